"""One case or many on disk: inputs, outputs, records, tables, logs."""
