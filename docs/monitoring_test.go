package docs_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/monitor"
	"github.com/tinystack-go/tinystack/spec"
)

// dollars a month for a metric in an alarm, and for a composite alarm, in
// us-east-1.
const (
	perMetric    = 0.10
	perComposite = 0.50
)

// The table of alarms is what the catalogue says of a stage for development and
// one for production.
func TestTableOfAlarms(t *testing.T) {
	const first, last = "<!-- alarms -->\n", "<!-- /alarms -->"
	have, err := os.ReadFile("monitoring.md")
	require.NoError(t, err)
	before, rest, found := bytes.Cut(have, []byte(first))
	require.True(t, found)
	_, after, found := bytes.Cut(rest, []byte(last))
	require.True(t, found)
	settle(t, "monitoring.md", have, slices.Concat(before, []byte(first+alarmTable(t)+last), after))
}

var link = regexp.MustCompile(`runbooks\.md#([a-z0-9-]+)`)

// Every message in every template that this project ships names a section of
// the runbooks.
func TestTemplatesNameRunbooks(t *testing.T) {
	page, err := os.ReadFile("runbooks.md")
	require.NoError(t, err)
	sections := map[string]bool{}
	for _, title := range regexp.MustCompile(`(?m)^## ([a-z0-9-]+)$`).FindAllStringSubmatch(string(page), -1) {
		sections[title[1]] = true
	}
	require.Greater(t, len(sections), 15)
	named := map[string]bool{}
	for _, folder := range []string{"../examples", "../stacks/testdata"} {
		require.NoError(t, filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".json" {
				return err
			}
			text, err := os.ReadFile(path)
			for _, found := range link.FindAllStringSubmatch(string(text), -1) {
				named[found[1]] = true
				assert.True(t, sections[found[1]], "%s: %s", path, found[1])
			}
			return err
		}))
	}
	assert.Greater(t, len(named), 10)
}

func alarmTable(t *testing.T) string {
	app, err := spec.App{
		Name:     "shop",
		Services: []spec.Service{{Name: "web"}, {Name: "nightly", Schedule: "rate(1 day)"}},
		Stages:   []spec.Stage{{Name: "dev", Database: &spec.Database{}}, {Name: "prod", Database: &spec.Database{ReadReplicas: []spec.ReadReplica{{}}, Rotation: &spec.Rotation{}}}},
	}.Resolve()
	require.NoError(t, err)
	dev, prod := app.Stages[0], app.Stages[1]
	inDev := monitor.Alarms(app, dev)
	all := monitor.Alarms(app, prod)
	var table strings.Builder
	table.WriteString("| alarm | of each | says | severity | gate | dev | prod | $ a month |\n|---|---|---|---|---|---|---|---|\n")
	yes := map[bool]string{true: "yes"}
	row := func(id spec.AlarmID, each, says string, severity monitor.Severity, gate, essential bool, price float64) {
		fmt.Fprintf(&table, "| [%s](runbooks.md#%s) | %s | %s | %s | %s | %s | yes | %.2f |\n", id, id, each, says, severity, yes[gate], yes[essential], price)
	}
	of := func(a monitor.Alarm) string {
		switch {
		case a.ID == spec.AlarmTaskFailed:
			return "scheduled task"
		case a.ID == spec.AlarmReplicaLag:
			return "replica"
		case a.ID == spec.AlarmRotationFailed:
			return "secret that is rotated"
		case a.Subject != "":
			return "service"
		}
		return "stage"
	}
	unwell, joined := monitor.Unwell(prod, all)
	require.True(t, joined)
	row(unwell.ID, "stage", unwell.Meaning, unwell.Severity, false, false, perComposite)
	for _, alarm := range all {
		essential := slices.ContainsFunc(inDev, func(a monitor.Alarm) bool { return a.ID == alarm.ID })
		row(alarm.ID, of(alarm), alarm.Meaning, alarm.Severity, alarm.Gate, essential, perMetric*float64(len(alarm.Metrics)))
	}
	table.WriteString("\nWith an ALB `endpoint-5xx` has three metrics, and with blue/green deployments `no-tasks` two.\n\n")
	return table.String()
}
