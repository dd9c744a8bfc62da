"""The visitor's rights: see, take along, erase, restrict, object; and how long a tenant keeps what."""
