"""The recipe of sprite, the embedded LTX-2."""
