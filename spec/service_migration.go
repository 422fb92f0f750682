package spec

import "strings"

// Migration is a one-off task that runs before a new version of its service: in
// the new image, with the service's environment, permissions and network, and
// with its output in the service's log. The deployment fails, and the old
// version stays, unless it ends with exit status 0 in time. It has to tolerate
// that it has run already, and the old version what it does.
type Migration struct {
	// Command that replaces the image's command; the entry point stays.
	//   - Default: required
	//   - Allowed: any text that is not empty
	//   - Change: in place; it first runs with the next version of the service
	//   - Example: [./manage.py, migrate]
	Command []string `yaml:"command"`

	// Timeout for the whole of it, also the wait for room on an instance.
	//   - Default: 10m
	//   - Allowed: 1m to 14m
	//   - Change: in place
	//   - Example: 5m
	Timeout Duration `yaml:"timeout"`
}

func (m *Migration) setDefaults() { fill(&m.Timeout, 10*minute) }

// longestMigration is what a function that waits for it can wait.
const longestMigration = 14 * minute

func (m Migration) validate(r report) {
	command := r.field("command")
	if len(m.Command) == 0 {
		command.fail("is missing", "the command as a list, as in [./manage.py, migrate]", "give the command")
	}
	for i, word := range m.Command {
		if word == "" {
			command.item(i).fail("is empty", "a word of the command", "remove it")
		}
		validateVariableValue(command.item(i), word)
	}
	r.field("timeout").lasting(m.Timeout, minute, longestMigration, second)
}

// Migrates says whether the migration of the service runs in the stage: it
// needs an instance to run on.
func (s Stage) Migrates(service Service) bool {
	return service.Migration != nil && value(s.Scale.Instances.Max) > 0 && value(service.TasksIn(s.Scale).Max) > 0
}

// validateMigrations says where a migration would not run.
func (s Stage) validateMigrations(r report, app App) {
	var resting []string
	for _, service := range app.Services {
		if service.Migration != nil && !s.Migrates(service) {
			resting = append(resting, r.quote(service.Name))
		}
	}
	if len(resting) > 0 {
		r.warn("runs no tasks, so neither the migration of "+strings.Join(resting, ", "), "nothing, if the stage is to rest: the migration runs when tasks do")
	}
}
