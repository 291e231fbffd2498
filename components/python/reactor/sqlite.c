// The program `sqlite3`: SQLite's own shell in the place of the interpreter, in the same instance.

#include <stdio.h>

#include "reactor.h"
#include "../sqlite/wasmsh_sqlite3.h"

// shell.c, where it is called `main`.
int wasmsh_sqlite3_shell(int argc, char **argv);

void wasmsh_sqlite3_exit(int status)
{
    fflush(NULL);
    wasmsh_end_process(status & 0xff);
}

int wasmsh_sqlite3_look(void *unused)
{
    (void)unused;
    wasmsh_look_for_signals();
    return wasmsh_has_ended();
}

int wasmsh_sqlite3_main(int argc, char **argv)
{
    wasmsh_signals_begin();
    int status = wasmsh_sqlite3_shell(argc, argv);
    fflush(NULL);
    return status & 0xff;
}
