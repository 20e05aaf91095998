"""Running the name tagger: pieces, windows, decoding and the spaCy component; needs numpy and onnxruntime, never torch."""
