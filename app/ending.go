package app

import (
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/aws/jsii-runtime-go"
)

// The jsii runtime unpacks itself into a temporary folder as soon as a program
// that has the CDK in it is loaded, and removes it when it is closed: so every
// program closes it, whichever way it ends.

// end is the one way by which a program of this package ends.
func end(status int) {
	ending.Lock() // and never unlocked: the process ends with the first
	jsii.Close()
	os.Exit(status)
}

var ending sync.Mutex

// endOnSignal ends the program, and what it has started, when somebody stops it.
func endOnSignal() {
	stopped := make(chan os.Signal, 1)
	signal.Notify(stopped, os.Interrupt, syscall.SIGTERM)
	go func() {
		status := 128 // as a shell reports it
		if number, ok := (<-stopped).(syscall.Signal); ok {
			status += int(number)
		}
		end(status)
	}()
}
