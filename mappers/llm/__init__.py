"""Compiler of decoder-only language models for the accelerator that runs programs (`hwsim.llm`)."""
