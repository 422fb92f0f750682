package app

import (
	"bytes"
	"io"
	"os"

	"github.com/aws/jsii-runtime-go"
)

// falseAlarm is what the jsii runtime sometimes prints when it is closed: two
// of its goroutines wait for the same process, and the second finds it gone.
var falseAlarm = []byte("Runtime process exited abnormally: waitid: no child processes")

// closeRuntime ends the jsii runtime, without the false alarm. Everything else
// that is printed meanwhile goes to stderr. It returns when that is done.
func closeRuntime(stderr io.Writer) {
	read, write, err := os.Pipe()
	if err != nil {
		jsii.Close()
		return
	}
	printed := make(chan []byte)
	go func() {
		text, _ := io.ReadAll(read)
		printed <- text
	}()
	// It stays so: the false alarm may come after Close, as the app ends.
	os.Stderr = write
	jsii.Close()
	write.Close()
	stderr.Write(bytes.ReplaceAll(<-printed, falseAlarm, nil))
}
