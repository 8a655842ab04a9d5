"""Calls that cost money: one door, through LiteLLM in a process of its own, and a payment for each.

``gateway`` reserves, calls and settles; ``client`` speaks to the process, which is
``litellm_worker``; ``environment`` says where its Python is.
"""
