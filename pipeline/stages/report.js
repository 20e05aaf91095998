"use strict";
(() => {
  const form = document.querySelector("form");
  const field = form.querySelector("input");
  const tally = form.querySelector("output");
  const items = Array.from(document.querySelectorAll(".item"), (node) => [node, node.textContent.toLowerCase()]);

  const filter = () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let left = 0;
    for (const [node, text] of items) {
      node.hidden = !words.every((word) => text.includes(word));
      left += !node.hidden;
    }
    tally.value = words.length ? left + " of " + items.length + " entries" : "";
  };

  // A link may lead into an entry that is folded or filtered away.
  const reveal = () => {
    const target = document.getElementById(location.hash.slice(1));
    if (!target) return;
    if (target.closest("[hidden]")) {
      field.value = "";
      filter();
    }
    for (let node = target; node; node = node.parentElement) {
      if (node.tagName === "DETAILS") node.open = true;
    }
    target.scrollIntoView();
  };

  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  field.addEventListener("input", filter);
  addEventListener("hashchange", reveal);
  filter();
  reveal();
})();
