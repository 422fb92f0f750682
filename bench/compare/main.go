// Compare measures a whole synthesis, from the declaration to the templates on
// disk, beside a CDK app in TypeScript of the same architecture (bench/peer),
// and beside what nothing can be faster than. The two run in turn, so that
// whatever else the machine does falls on both; a ratio is the median of the
// ratios of each pair.
//
//	go run ./bench/compare                # 1, 3 and 20 stages, 5 pairs each
//	go run ./bench/compare -pairs 9 -stages 3
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/tinystack-go/tinystack/bench/assembly"
	"github.com/tinystack-go/tinystack/bench/declaration"
)

func main() {
	pairs := flag.Int("pairs", 5, "how many times each is run")
	stages := flag.String("stages", "1,3,20", "numbers of stages")
	flag.Parse()
	if err := compare(os.Stdout, *pairs, strings.Split(*stages, ",")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// mode is one way to validate, and which run of the peer it is paired with.
type mode struct {
	name string
	ours subject
	peer string
}

func compare(out io.Writer, pairs int, counts []string) error {
	folder, err := os.MkdirTemp("", "compare.*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	if out, err := exec.Command("go", "build", "-ldflags=-s -w", "-o", folder, ".", "./bench/messages").CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	if err := describe(out); err != nil {
		return err
	}
	for _, count := range counts {
		stages, err := strconv.Atoi(count)
		if err != nil {
			return err
		}
		if err := compareStages(out, folder, pairs, stages); err != nil {
			return fmt.Errorf("%d stages: %w", stages, err)
		}
	}
	return nil
}

// describe says what is measured, and on what.
func describe(out io.Writer) error {
	node, err := exec.Command("node", "--version").Output()
	if err != nil {
		return fmt.Errorf("node --version: %w", err)
	}
	version := func(file string) (string, error) {
		text, err := os.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("%w: `make bench` installs it", err)
		}
		var found struct{ Version string }
		return found.Version, json.Unmarshal(text, &found)
	}
	cdk, err := version("bench/peer/node_modules/aws-cdk-lib/package.json")
	if err != nil {
		return err
	}
	own, err := exec.Command("go", "list", "-m", "-f", "{{.Version}}", "github.com/aws/aws-cdk-go/awscdk/v2").Output()
	if err != nil {
		return fmt.Errorf("go list: %w", err)
	}
	if strings.TrimSpace(string(own)) != "v"+cdk {
		return fmt.Errorf("the peer has aws-cdk-lib %s and we have %s: change bench/peer/package.json", cdk, own)
	}
	fmt.Fprintf(out, "%s, Node %s, aws-cdk-lib %s on both sides\n", processors(), strings.TrimSpace(string(node)), cdk)
	return nil
}

func compareStages(out io.Writer, folder string, pairs, stages int) error {
	config := filepath.Join(folder, fmt.Sprintf("%d.yaml", stages))
	if err := os.WriteFile(config, []byte(declaration.Of(stages)), 0o600); err != nil {
		return err
	}
	cache, assemblies := filepath.Join(folder, "cache"), filepath.Join(folder, "out")
	app := filepath.Join(folder, "tinystack")
	ours := subject{
		command: []string{app},
		environment: []string{
			"TINYSTACK_CONFIG=" + config,
			// What is kept from one run to the next is there.
			"XDG_CACHE_HOME=" + cache,
		},
		out: filepath.Join(assemblies, "ours"),
	}
	peer := subject{
		command:     []string{"node", "bench/peer/dist/app.js"},
		environment: []string{"STAGES=" + strconv.Itoa(stages)},
		out:         filepath.Join(assemblies, "peer"),
	}
	off, repeated := ours.with("CDK_VALIDATION=false"), ours
	first := ours
	first.before = func() error { return os.RemoveAll(filepath.Join(cache, "tinystack", "validation")) }
	const peerOff, peerStrict = "validation off, peer", "strict, peer"
	modes := []mode{
		{"validation off", off, peerOff},
		{"strict, first", first, peerStrict},
		{"strict, repeated", repeated, peerStrict},
	}
	peers := map[string]subject{peerOff: peer.with("CDK_VALIDATION=false"), peerStrict: peer}
	requests := filepath.Join(folder, fmt.Sprintf("requests-%d", stages))
	if err := os.Mkdir(requests, 0o700); err != nil {
		return err
	}
	if out, err := exec.Command(filepath.Join(folder, "messages"), "-file", config, "-save", requests).CombinedOutput(); err != nil {
		return fmt.Errorf("messages: %w\n%s", err, out)
	}
	limits, err := limitsOf(requests, filepath.Join(assemblies, "limit"))
	if err != nil {
		return err
	}

	// In turn, and each of them once before anything is written down.
	measured := map[string]*series{}
	note := func(name string, round int, of subject) error {
		result, err := of.run()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if round < 0 {
			return nil
		}
		if measured[name] == nil {
			measured[name] = &series{}
		}
		measured[name].add(result)
		return nil
	}
	for round := -1; round < pairs; round++ {
		ran := map[string]bool{}
		for _, mode := range modes {
			if err := note(mode.name+", ours", round, mode.ours); err != nil {
				return err
			}
			if ran[mode.peer] {
				continue // both strict ones are paired with the run between them
			}
			if err := note(mode.peer, round, peers[mode.peer]); err != nil {
				return err
			}
			ran[mode.peer] = true
		}
		for _, limit := range limits {
			if err := note(limit.name, round, limit.subject); err != nil {
				return err
			}
		}
	}

	ourResources, err := assembly.Resources(ours.out)
	if err != nil {
		return err
	}
	peerResources, err := assembly.Resources(peer.out)
	if err != nil {
		return err
	}
	per := float64(peerResources) / float64(ourResources)
	fmt.Fprintf(out, "\n%d stages: %d resources, the peer %d; medians of %d pairs\n", stages, ourResources, peerResources, pairs)
	fmt.Fprintf(out, "%-18s %6s %14s %6s %14s %7s %14s\n", "ours ÷ peer", "wall", "per resource", "CPU", "CPU per res.", "memory", "largest proc.")
	for _, mode := range modes {
		a, b := measured[mode.name+", ours"], measured[mode.peer]
		wall, cpu := ratio(a.wall, b.wall), ratio(a.cpu, b.cpu)
		fmt.Fprintf(out, "%-18s %6.2f %14.2f %6.2f %14.2f %7s %14.2f\n", mode.name, wall, wall*per, cpu, cpu*per, orNone(ratio(a.memory, b.memory)), ratio(a.largest, b.largest))
	}
	fmt.Fprintf(out, "%-36s %7s %7s %8s %14s\n", "", "wall", "CPU", "memory", "largest proc.")
	names := []string{"validation off, ours", peerOff, "strict, first, ours", "strict, repeated, ours", peerStrict}
	for _, limit := range limits {
		names = append(names, limit.name)
	}
	for _, name := range names {
		measured[name].print(out, name)
	}
	return nil
}

func (s *series) print(out io.Writer, name string) {
	fmt.Fprintf(out, "%-36s %5.2f s %5.2f s %5.0f MB %11.0f MB\n", name, median(s.wall), median(s.cpu), median(s.memory)/1e6, median(s.largest)/1e6)
}

// ratio is the median of the ratios of each pair.
func ratio(a, b []float64) float64 {
	var ratios []float64
	for i := range a {
		ratios = append(ratios, a[i]/b[i])
	}
	return median(ratios)
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	if n := len(sorted); n%2 == 0 {
		return (sorted[n/2-1] + sorted[n/2]) / 2
	}
	return sorted[len(sorted)/2]
}

// orNone is a ratio, or nothing where the system does not say what a tree of
// processes takes of memory.
func orNone(ratio float64) string {
	if ratio != ratio {
		return "-"
	}
	return fmt.Sprintf("%.2f", ratio)
}
