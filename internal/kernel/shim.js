// Runs the jsii kernel with its messages on two file descriptors, 3 to read and
// 4 to write, where it expects both on 3; says what it prints in the way that the
// jsii runtime reads from standard error; keeps what V8 compiles of the packages
// that the kernel loads, for the next run; and remembers which packages those are.
'use strict';
const { createHash } = require('crypto');
const fs = require('fs');
const { enableCompileCache, flushCompileCache } = require('module');
const path = require('path');

const writeSync = fs.writeSync;
fs.writeSync = (fd, ...rest) => writeSync(fd === 3 ? 4 : fd, ...rest);

for (const name of ['stdout', 'stderr']) {
  const { get } = Object.getOwnPropertyDescriptor(process, name);
  let stream;
  Object.defineProperty(process, name, {
    configurable: true,
    enumerable: true,
    get() {
      if (stream === undefined) {
        stream = get.call(process);
        stream.write = (chunk, encoding, callback) => {
          const bytes = typeof chunk === 'string' ? Buffer.from(chunk, typeof encoding === 'string' ? encoding : 'utf8') : Buffer.from(chunk);
          let rest = Buffer.from(JSON.stringify({ [name]: bytes.toString('base64') }) + '\n');
          while (rest.length > 0) {
            rest = rest.subarray(writeSync(2, rest));
          }
          const done = typeof encoding === 'function' ? encoding : callback;
          if (done) process.nextTick(done);
          return true;
        };
      }
      return stream;
    },
  });
}

// The kernel loads packages from a folder that has another name in every run. Node
// finds what it has compiled by the path from its cache to a file, if it is told
// that both move together (from 24.12 on). So its cache is a link beside the
// packages. Node itself sees to it that what is damaged, half written, of another
// source or of another Node is not used; NODE_DISABLE_COMPILE_CACHE=1 does without.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major > 24 || (major === 24 && minor >= 12)) {
  const { mkdtempSync } = fs;
  fs.mkdtempSync = (prefix, ...rest) => {
    const folder = mkdtempSync(prefix, ...rest);
    if (path.basename(prefix) === 'jsii-kernel-') {
      fs.mkdtempSync = mkdtempSync;
      keepCompiled(folder);
    }
    return folder;
  };
}

function keepCompiled(folder) {
  try {
    const compiled = path.join(path.dirname(__dirname), 'compiled');
    fs.mkdirSync(compiled, { recursive: true, mode: 0o700 });
    const link = path.join(folder, '.compiled');
    fs.symlinkSync(compiled, link);
    enableCompileCache({ directory: link, portable: true });
    // Before the kernel removes its folder, which it does as it ends, too.
    process.prependListener('exit', () => flushCompileCache());
  } catch {
    // There is no place for it: it is compiled in every run.
  }
}

// A package is unpacked into a folder named after it, its version and a digest, and
// linked to from where it is loaded. Then it is also linked to from the folder that
// is named after the stub by which the app will refer to it: see packages.go.
const stub = process.env.TINYSTACK_PACKAGES_STUB;
if (stub) {
  const { symlinkSync } = fs;
  fs.symlinkSync = (target, link, ...rest) => {
    symlinkSync(target, link, ...rest);
    const unpacked = /\/((?:@[^/]+\/)?[^/]+)\/([^/]+)\/[0-9a-f]{64}$/.exec(target);
    if (unpacked) {
      const [, name, version] = unpacked;
      const digest = createHash('sha256').update([stub, name, version].join('\0')).digest('hex');
      try {
        symlinkSync(target, path.join(path.dirname(target), digest));
      } catch {
        // It is there already, or cannot be made: the package will be handed over.
      }
    }
  };
}

process.argv.splice(1, 1); // as if the program had been started itself
require(process.argv[1]);
