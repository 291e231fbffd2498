// The module that a session's worker runs in a browser; it exports nothing.
export {};
