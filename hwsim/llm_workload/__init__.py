"""Language models on the accelerator that runs programs: results of steps and generations, tables, figure."""
