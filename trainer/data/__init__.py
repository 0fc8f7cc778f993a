"""Photographs for training: found (`sources`, `shards`), decoded (`decode`, `reader`, `cache`), cropped (`crops`)
and delivered a step at a time (`loader`)."""
