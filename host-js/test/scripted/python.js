//! An interpreter that opens files, reads its input, and traps or says how much it has read.

const encoder = new TextEncoder();

export function instantiate(_module, imports) {
  const { open } = imports["wasmsh:fs/files"];
  const { Process } = imports["wasmsh:session/processes"];
  let runs = 0;
  return {
    interpreter: {
      run(pid) {
        runs += 1;
        const process = Process.open(pid);
        const files = [open("/a", {}, 0), open("/b", {}, 0)];
        files.push(files[0].duplicate(), process.file(0));
        process.adopt(files[1]);
        let read = 0;
        try {
          for (let bytes = process.read(0, 65536, true); bytes.length > 0; bytes = process.read(0, 65536, true)) read += bytes.length;
        } catch (error) {
          process.write(1, encoder.encode(`${error.payload}\n`), true);
        }
        if (read === 13) throw new WebAssembly.RuntimeError("unreachable");
        process.write(1, encoder.encode(`run ${runs} read ${read}\n`), true);
        for (const handle of [...files, process]) handle[Symbol.dispose]();
        return { tag: "code", val: 0 };
      },
      reset() {},
    },
  };
}
