"""Release gate: our maximum of the likelihood against other packages', on some hundreds of models. See README.md."""
