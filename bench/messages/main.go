// Messages lists what a synthesis asks of the jsii kernel: how many messages,
// of which kind, and from which line of this project. The CDK is JavaScript in
// a process of its own; every message to it costs a round trip, so the number
// of messages is most of what a synthesis costs that the peer does not pay.
//
//	go run ./bench/messages                  # 3 stages of the benchmark
//	go run ./bench/messages -stages 20
//	go run ./bench/messages -file tinystack.yaml
//	go run ./bench/messages -by site         # or kind, or package
//	go run ./bench/messages -match Duration  # only what matches, by kind and site
package main

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/tinystack-go/tinystack/app"
)

func main() {
	switch os.Getenv(roleVariable) {
	case roleRelay:
		exitOn(relay(os.Stdin, os.Stdout, os.Stderr))
	case roleApp:
		exitOn(answerWithStacks(os.Getenv(socketVariable)))
		app.Main()
	default:
		exitOn(list(os.Args[1:], os.Stdout))
	}
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func list(arguments []string, out io.Writer) error {
	flags := flag.NewFlagSet("messages", flag.ExitOnError)
	stages := flags.Int("stages", 3, "number of stages of the benchmark's declaration")
	file := flags.String("file", "", "a declaration to use instead of the benchmark's")
	by := flags.String("by", "kind", "what to add up: kind, site, package or both (kind and site)")
	match := flags.String("match", "", "only messages whose kind or site matches this expression; implies -by both")
	top := flags.Int("top", 60, "how many lines to print; 0 prints all")
	save := flags.String("save", "", "a folder to write the messages to, one a line as the kernel reads them, with the packages it loads")
	flags.Parse(arguments)
	expression, err := regexp.Compile(*match)
	if err != nil {
		return err
	}
	if *match != "" {
		*by = "both"
	}
	recorded, err := record(*file, *stages, *save)
	if err != nil {
		return err
	}
	if *save != "" {
		if err := saveRequests(*save, recorded.messages); err != nil {
			return err
		}
	}
	counts := map[string]int{}
	shown := 0
	for _, message := range recorded.messages {
		if !expression.MatchString(message.Kind) && !expression.MatchString(message.Site) {
			continue
		}
		shown++
		switch *by {
		case "kind":
			counts[message.Kind]++
		case "site":
			counts[message.Site]++
		case "package":
			directory, _, _ := strings.Cut(message.Site, ".go:")
			counts[directory[:max(0, strings.LastIndex(directory, "/"))]]++
		case "both":
			counts[fmt.Sprintf("%-70s %s", message.Kind, message.Site)]++
		default:
			return fmt.Errorf("-by is kind, site, package or both, not %q", *by)
		}
	}
	fmt.Fprintf(out, "%d messages, %d resources\n", len(recorded.messages), recorded.resources)
	if shown != len(recorded.messages) {
		fmt.Fprintf(out, "%d messages match %s\n", shown, *match)
	}
	lines := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	for i, line := range lines {
		if *top > 0 && i == *top {
			fmt.Fprintf(out, "       and %d more lines; -top 0 prints all\n", len(lines)-i)
			break
		}
		fmt.Fprintf(out, "%6d %s\n", counts[line], line)
	}
	return nil
}

// saveRequests writes what a kernel can be fed with to do the same again.
func saveRequests(folder string, messages []message) error {
	var text bytes.Buffer
	for _, message := range messages {
		text.Write(message.Request)
		text.WriteByte('\n')
	}
	text.WriteString("{\"exit\":0}\n")
	return os.WriteFile(filepath.Join(folder, "requests"), text.Bytes(), 0o600)
}
