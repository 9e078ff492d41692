"""Commands for maintainers; no build needs them.

==============  ===========================================================================
`environment`   the environments of the Makefile, made anew where they do not fit
`new`           `python -m tools.new`: a chapter or an exercise from a template
`server`        a built site on this machine, as GitHub Pages serves it
`browser`       the Chromium that tests, `audit` and `pdf` start
`audit`         `python -m tools.audit`: Lighthouse and axe on every page
`pdf`           `python -m tools.pdf`: the book as one file, printed from its pages
`reproducible`  `python -m tools.reproducible`: two builds from nothing, byte by byte
`colab`         `python -m tools.colab`: what Colab has, and hwlib's bounds against it
==============  ===========================================================================
"""
