"""An LLM accelerator that runs programs: instruction set, program files, engine model, timing and energy."""
