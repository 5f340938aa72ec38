"""Keys, encryption and signatures: the only door to pyrage, cryptography and the OS keyring."""
