// Preloaded into child processes: the IPC channel closes when the parent ends in whatever way, also by SIGKILL.
process.once("disconnect", () => process.exit(0));
