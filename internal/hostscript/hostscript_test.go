package hostscript

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var web = Resource{Region: "eu-west-1", Suffix: "amazonaws.com", Stack: "arn:aws:cloudformation:eu-west-1:111111111111:stack/shop-dev-service/0a1b", LogicalID: "Group1A"}

// fakes stand for what the scripts call. Each writes its arguments to the log.
var fakes = map[string]string{
	"sleep": "", "mkswap": "", "swapon": "", "modprobe": "", "sysctl": "", "systemctl": "[[ ! -e $HOST/no-systemd ]]", "dd": `touch "$SWAPFILE"`,
	"dnf":         "",
	"systemd-run": `while [[ $1 == --* ]]; do shift; done; "$@"`,
	// The agent answers once the file agent is there, which comes with the third
	// question; the answers of AWS are the lines of the file answers, of which the
	// last is repeated.
	"curl": `
for url; do :; done
case $url in
*/api/token) echo TOKEN ;;
*/security-credentials/) echo host-role ;;
*/security-credentials/host-role)
  printf '{\n  "Code" : "Success",\n  "AccessKeyId" : "ASIAEXAMPLE",\n  "SecretAccessKey" : "a/secret+key=",\n  "Token" : "IQo/token+="\n}\n' ;;
*/instance-id) echo i-0123456789abcdef0 ;;
http://127.0.0.1:51678/*)
  echo asked >>"$HOST/asked"
  (($(wc -l <"$HOST/asked") >= 3)) && [[ -e $HOST/agent ]] || exit 7
  cat "$HOST/agent" ;;
https://*)
  cat >>"$HOST/keys"
  echo sent >>"$HOST/sent"
  line=$(sed -n "$(wc -l <"$HOST/sent")p" "$HOST/answers")
  printf '%b\n' "${line:-$(tail -1 "$HOST/answers")}" ;;
esac`,
}

// machine is a host of fakes.
type machine struct {
	t      *testing.T
	folder string
}

func newHost(t *testing.T, files map[string]string) machine {
	h := machine{t, t.TempDir()}
	for name, text := range files {
		h.write(name, text)
	}
	for name, does := range fakes {
		h.write("bin/"+name, "#!/bin/bash\nprintf '%s\\n' \""+name+" $*\" >>\"$HOST/log\"\n"+does+"\n")
		require.NoError(t, os.Chmod(filepath.Join(h.folder, "bin", name), 0o755))
	}
	for _, folder := range []string{"etc/modules-load.d", "etc/modprobe.d", "etc/sysctl.d", "etc/sysconfig", "etc/systemd/system"} {
		require.NoError(t, os.MkdirAll(filepath.Join(h.folder, folder), 0o755))
	}
	return h
}

func (h machine) write(name, text string) {
	path := filepath.Join(h.folder, name)
	require.NoError(h.t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(h.t, os.WriteFile(path, []byte(text), 0o600))
}

func (h machine) read(name string) string {
	text, err := os.ReadFile(filepath.Join(h.folder, name))
	if !os.IsNotExist(err) {
		require.NoError(h.t, err)
	}
	return string(text)
}

// run runs user data, in which the folders of the system are those of the fakes.
func (h machine) run(lines ...string) string {
	h.t.Helper()
	script := "#!/bin/bash\n" + strings.Join(lines, "\n") + "\n"
	for of, here := range map[string]string{folder: "lib", "ETC=/etc": "etc", "PROC=/proc": "proc", "SWAP=/swapfile": "swapfile"} {
		name, _, variable := strings.Cut(of, "=")
		here = filepath.Join(h.folder, here)
		if variable {
			here = name + "=" + here
		}
		script = strings.ReplaceAll(script, of, here)
	}
	command := exec.Command("bash")
	command.Stdin = strings.NewReader(script)
	command.Env = []string{"HOST=" + h.folder, "SWAPFILE=" + h.folder + "/swapfile", "PROC=" + h.folder + "/proc",
		"PATH=" + h.folder + "/bin:" + os.Getenv("PATH")}
	out, err := command.CombinedOutput()
	require.NoError(h.t, err, "%s", out)
	return string(out)
}

// sent are the requests to AWS.
func (h machine) sent() []string {
	var requests []string
	for line := range strings.Lines(h.read("log")) {
		if strings.HasPrefix(line, "curl ") && strings.Contains(line, "https://") {
			requests = append(requests, strings.TrimSpace(line))
		}
	}
	return requests
}

const registered = `{"Cluster":"shop","ContainerInstanceArn":"arn:aws:ecs:eu-west-1:111111111111:container-instance/shop/1","Version":"Amazon ECS Agent - v1.106.1"}`

func TestAnInstanceSaysWhetherItsAgentHasRegisteredIt(t *testing.T) {
	for name, test := range map[string]struct {
		agent, answers string
		status         string
		requests       int
	}{
		"registered":                       {agent: registered, answers: `<ok/>\n200`, status: "SUCCESS", requests: 1},
		"the agent answers and is in none": {agent: `{"Cluster":"shop","ContainerInstanceArn":null}`, answers: `<ok/>\n200`, status: "FAILURE", requests: 1},
		"no way out at first":              {agent: registered, answers: "000\n" + `Throttling\n400` + "\n" + `\n503` + "\n" + `<ok/>\n200`, status: "SUCCESS", requests: 4},
		"nothing waits":                    {agent: registered, answers: `ValidationError: Resource Group1A is in CREATE_COMPLETE state and can not be signaled\n400`, status: "SUCCESS", requests: 1},
		"no way out at all":                {agent: registered, answers: "000", status: "SUCCESS", requests: 24},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"answers": test.answers + "\n"}
			if test.agent != "" {
				files["agent"] = test.agent
			}
			h := newHost(t, files)
			lines := Instance(web)
			if name == "no way out at all" {
				lines[len(lines)-1] += " || true" // its unit has failed then
			}
			h.run(lines...)
			sent := h.sent()
			require.Len(t, sent, test.requests)
			for _, part := range []string{
				"--aws-sigv4 aws:amz:eu-west-1:cloudformation ",
				"--data-urlencode StackName=" + web.Stack + " ", "--data-urlencode LogicalResourceId=Group1A ",
				"--data-urlencode UniqueId=i-0123456789abcdef0 ", "--data-urlencode Status=" + test.status + " ",
			} {
				assert.Contains(t, sent[0], part)
			}
			assert.True(t, strings.HasSuffix(sent[0], " https://cloudformation.eu-west-1.amazonaws.com/"), sent[0])
			assert.NotContains(t, h.read("log"), "secret", "a key in the list of processes")
			assert.Contains(t, h.read("keys"), "user = \"ASIAEXAMPLE:a/secret+key=\"\nheader = \"x-amz-security-token: IQo/token+=\"\n")
		})
	}
	assert.Contains(t, Instance(web)[len(Instance(web))-1], "systemd-run --no-block", "the agent starts when the user data has ended")
}

func natHost(t *testing.T, more map[string]string) machine {
	files := map[string]string{
		"answers": `<ok/>\n200` + "\n",
		// A t4g.nano.
		"proc/meminfo": "MemTotal:         428540 kB\nMemFree:          100000 kB\n",
		"proc/sys/net/netfilter/nf_conntrack_count": "53568\n",
		"proc/sys/net/netfilter/nf_conntrack_max":   "107135\n",
	}
	for name, text := range more {
		files[name] = text
	}
	return newHost(t, files)
}

func TestANATInstanceSizesItsTableByMemory(t *testing.T) {
	h := natHost(t, nil)
	h.run(NAT(web, "10.0.0.0/16", &Metric{"tinystack/shop", "dev-nat-connections"})...)

	settings := h.read("etc/sysctl.d/90-nat.conf")
	assert.Contains(t, settings, "net.ipv4.ip_forward = 1\n")
	assert.Contains(t, settings, "net.netfilter.nf_conntrack_max = 107135\n")
	assert.Contains(t, settings, "net.netfilter.nf_conntrack_tcp_timeout_established = 3600\n")
	assert.Equal(t, "options nf_conntrack hashsize=107135\n", h.read("etc/modprobe.d/nat.conf"))
	assert.Equal(t, "nf_conntrack\n", h.read("etc/modules-load.d/nat.conf"))
	assert.Contains(t, h.read("etc/sysconfig/nftables.conf"), "ip saddr 10.0.0.0/16 ip daddr != 10.0.0.0/16 masquerade;")
	log := h.read("log")
	assert.Less(t, strings.Index(log, "modprobe nf_conntrack"), strings.Index(log, "sysctl -p"), "the settings are there once the module is")
	assert.Contains(t, log, "systemctl enable --now tinystack-nat.timer")
	require.Len(t, h.sent(), 1)
	assert.Contains(t, h.sent()[0], "Status=SUCCESS")

	t.Run("and reports how full it is", func(t *testing.T) {
		unit := h.read("etc/systemd/system/tinystack-nat.service")
		_, command, found := strings.Cut(unit, "ExecStart=/usr/bin/")
		require.True(t, found, unit)
		h.run(strings.TrimSpace(command))
		report := h.sent()[1]
		for _, part := range []string{"aws:amz:eu-west-1:monitoring ", "Namespace=tinystack/shop ", "MetricName=dev-nat-connections ", "Value=50 ", " https://monitoring.eu-west-1.amazonaws.com/"} {
			assert.Contains(t, report+" ", part)
		}
	})
}

func TestANATInstanceThatDoesNotForwardSaysSo(t *testing.T) {
	h := natHost(t, map[string]string{"no-systemd": ""})
	h.run(NAT(web, "10.0.0.0/16", nil)...)
	require.Len(t, h.sent(), 1)
	assert.Contains(t, h.sent()[0], "Status=FAILURE")
	assert.NotContains(t, strings.Join(NAT(web, "10.0.0.0/16", nil), "\n"), "report.sh", "nothing to report to")
}

func TestNoRemarksInUserData(t *testing.T) {
	for _, line := range append(Instance(web), NAT(web, "10.0.0.0/16", &Metric{"a", "b"})...) {
		assert.False(t, strings.HasPrefix(strings.TrimSpace(line), "#"), line)
	}
}
