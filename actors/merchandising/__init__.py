"""What a shop's merchandisers decide about its search: rules, synonyms and settings, resolved and read."""
