"""The operating system: console, files, threads, child processes, time limits."""
