"""Making the name tagger: cleaning data, generating sentences, training, export and scores; needs torch and transformers."""
