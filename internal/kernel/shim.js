// Runs the jsii kernel with its messages on two file descriptors, 3 to read and
// 4 to write, where it expects both on 3; and says what it prints in the way
// that the jsii runtime reads from standard error.
'use strict';
const fs = require('fs');

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

process.argv.splice(1, 1); // as if the program had been started itself
require(process.argv[1]);
