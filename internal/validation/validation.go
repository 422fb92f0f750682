// Package validation validates templates with AWS's offline validator, in
// a process of its own that starts while the templates are still being made,
// and remembers which templates it has validated already.
//
// What is found is what the CDK's built-in validation finds: the process runs
// the CDK's own plug-in (engine.js), out of the aws-cdk-lib that the jsii
// runtime has unpacked on this machine. Everything after that is left to the
// CDK: acknowledgements, strictness, the report and the message. Where anything
// is missing or goes wrong, [Validator.Validate] returns an error, and the
// caller has the CDK validate by itself.
package validation

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Variable names the environment variable that says when templates are
// validated.
const Variable = "TINYSTACK_VALIDATE"

// Always is the only value of [Variable]: every template is validated, whatever
// is remembered of earlier syntheses.
const Always = "always"

// PythonVariable names the environment variable with the Python whose
// cloudformation-validate is used instead of the validator in aws-cdk-lib. It has
// to be the same version.
const PythonVariable = "TINYSTACK_VALIDATE_PYTHON"

// Template is one template to validate.
type Template struct {
	// Path is where it is, absolute.
	Path string
	// Account and Region are those of its stack, and empty where they are not
	// known.
	Account, Region string
}

// Violation is what the validator says of one template, or of several.
type Violation struct {
	Rule        string            `json:"ruleName"`
	Description string            `json:"description"`
	Severity    string            `json:"severity"`
	Fix         *string           `json:"fix,omitempty"`
	Metadata    map[string]string `json:"ruleMetadata,omitempty"`
	Resources   []Resource        `json:"resources"`
}

// Resource is a place of a [Violation].
type Resource struct {
	// Template is the index of the template among those that were asked about.
	Template int `json:"-"`
	// LogicalID is empty where the template as a whole is meant.
	LogicalID string   `json:"logicalId,omitempty"`
	Locations []string `json:"locations"`
}

// Validator validates the templates of one synthesis.
type Validator struct {
	settings Settings
	library  *library // nil where it is not unpacked
	record   *record  // nil where nothing is remembered
	hint     string   // the address of this synthesis in the record
	clean    map[string][]Violation

	mutex  sync.Mutex
	engine *engine
	asked  map[Template]*reply
	closed bool

	watched chan struct{} // closed when nothing is watched any more
	done    chan struct{}
	stop    sync.Once
}

// Settings are what a synthesis tells its [Validator] beforehand.
type Settings struct {
	// Outdir is the folder in which the templates will be. Those of the CDK
	// stages in it are validated as soon as a stage is written.
	Outdir string
	// Inputs are what the templates depend on, as far as it is known. When the
	// same executable has passed with the same inputs before, it is likely that
	// there will be nothing to validate, and no process is started beforehand.
	Inputs []string
	// Node is the command that runs Node; "node" unless given.
	Node string
	// AWSCDK is the version of awscdk, without a v; that which the program says
	// it is built with unless given. A test's program does not say it.
	AWSCDK string
	// Log is told why something is not as fast as it could be. It may be nil.
	Log func(string)
}

// Check says whether the environment asks for something that there is not.
func Check() error {
	if value := os.Getenv(Variable); value != "" && value != Always {
		return fmt.Errorf("%s=%s: there is no such kind of validation\n    allowed: %s, or unset\n    fix: unset it, or set it to %s to validate every template anew", Variable, value, Always, Always)
	}
	return nil
}

// Start prepares a validation. It returns at once: the process starts in the
// background, and only if there will probably be something to validate.
func Start(settings Settings) *Validator {
	if settings.Node == "" {
		settings.Node = "node"
	}
	if settings.Log == nil {
		settings.Log = func(string) {}
	}
	v := &Validator{
		settings: settings,
		clean:    map[string][]Violation{},
		asked:    map[Template]*reply{},
		watched:  make(chan struct{}),
		done:     make(chan struct{}),
	}
	v.find()
	if v.library == nil || settings.Outdir == "" {
		close(v.watched)
		return v
	}
	if v.record == nil || !v.record.has(v.hint) {
		if _, err := v.running(); err != nil {
			settings.Log(err.Error())
		}
	}
	go v.watch(time.Now().Add(-time.Second))
	return v
}

// find looks for the unpacked aws-cdk-lib, and for what is remembered of it.
func (v *Validator) find() {
	if v.library != nil {
		return
	}
	library, err := findLibrary(v.settings.AWSCDK)
	if err != nil {
		v.settings.Log(err.Error())
		return
	}
	if os.Getenv(PythonVariable) != "" {
		library.identity = address(library.identity, native)
	}
	v.library = library
	if os.Getenv(Variable) == Always || os.Getenv("CI") != "" {
		return
	}
	if v.record, err = openRecord(); err != nil {
		v.settings.Log(err.Error())
		return
	}
	v.hint = address(append([]string{"synthesis", library.identity, executable()}, v.settings.Inputs...)...)
}

// executable says which program this is.
func executable() string {
	path, err := os.Executable()
	if err != nil {
		return ""
	}
	info, err := os.Stat(path)
	if err != nil {
		return path
	}
	return fmt.Sprint(path, info.Size(), info.ModTime().UnixNano())
}

// Version is that of the validator; empty where it is not unpacked.
func (v *Validator) Version() string {
	v.find()
	if v.library == nil {
		return ""
	}
	return v.library.validator
}

// Validate says what the validator finds in the templates, in the order in
// which the CDK's plug-in says it. It returns an error if they could not be
// validated here.
func (v *Validator) Validate(templates []Template) ([]Violation, error) {
	v.stopWatching()
	v.find()
	if v.library == nil {
		return nil, errors.New("aws-cdk-lib is not in the jsii package cache")
	}
	found := make([][]Violation, len(templates))
	replies := make([]*reply, len(templates))
	contents := make([]string, len(templates))
	for i, template := range templates {
		text, err := os.ReadFile(template.Path)
		if err != nil {
			return nil, err
		}
		contents[i] = digest(text)
		known := false
		if found[i], known = v.remembered(template, contents[i]); known {
			continue
		}
		if replies[i], err = v.ask(template, false); err != nil {
			return nil, err
		}
	}
	validated := 0
	for i, template := range templates {
		if replies[i] == nil {
			continue
		}
		said, err := replies[i].wait()
		if err != nil || said.SHA256 != contents[i] {
			// It was asked about before the file was complete.
			again, err := v.ask(template, true)
			if err != nil {
				return nil, err
			}
			if said, err = again.wait(); err != nil {
				return nil, err
			}
			if said.SHA256 != contents[i] {
				return nil, fmt.Errorf("%s changes while it is validated", template.Path)
			}
		}
		found[i] = said.Violations
		validated++
		v.clean[v.address(template, contents[i])] = said.Violations
	}
	v.settings.Log(fmt.Sprintf("%d of %d templates are validated, the others were before", validated, len(templates)))
	return merge(found), nil
}

// merge puts together what is said of several templates as the CDK's plug-in
// does: the same finding is said once, with all its places.
func merge(found [][]Violation) []Violation {
	var merged []Violation
	type finding struct{ rule, severity, description string }
	index := map[finding]int{}
	for template, violations := range found {
		for _, violation := range violations {
			resources := slices.Clone(violation.Resources)
			for i := range resources {
				resources[i].Template = template
			}
			key := finding{violation.Rule, violation.Severity, violation.Description}
			if at, there := index[key]; there {
				merged[at].Resources = append(merged[at].Resources, resources...)
				continue
			}
			index[key] = len(merged)
			violation.Resources = resources
			merged = append(merged, violation)
		}
	}
	return merged
}

// Passed remembers what was said of each template that was validated. It is
// called when the synthesis has succeeded: only then is everything that was
// found acknowledged.
func (v *Validator) Passed() {
	if v.record == nil {
		return
	}
	for address, violations := range v.clean {
		if err := v.record.put(address, violations); err != nil {
			v.settings.Log(err.Error())
			return
		}
	}
	if !v.record.has(v.hint) {
		if err := v.record.put(v.hint, nil); err != nil {
			v.settings.Log(err.Error())
		}
	}
	v.record.prune()
}

// Close ends the process.
func (v *Validator) Close() {
	v.stopWatching()
	v.mutex.Lock()
	defer v.mutex.Unlock()
	v.closed = true
	if v.engine != nil {
		v.engine.close()
	}
}

// address is where the result for a template is remembered. It is made of all
// that the result depends on.
func (v *Validator) address(template Template, content string) string {
	return address("template", v.library.identity, template.Account, template.Region, content)
}

func (v *Validator) remembered(template Template, content string) ([]Violation, bool) {
	if v.record == nil {
		return nil, false
	}
	return v.record.get(v.address(template, content))
}

// running returns the process, which it starts if need be.
func (v *Validator) running() (*engine, error) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	if v.closed {
		return nil, errors.New("the validation has ended")
	}
	if v.engine == nil {
		command := bundled(v.settings.Node, v.library.folder)
		if python := os.Getenv(PythonVariable); python != "" {
			command = compiled(python, v.library.folder)
		}
		engine, err := startEngine(command)
		if err != nil {
			return nil, err
		}
		v.engine = engine
	}
	return v.engine, nil
}

// ask has a template validated, unless that was asked before.
func (v *Validator) ask(template Template, again bool) (*reply, error) {
	v.mutex.Lock()
	asked := v.asked[template]
	v.mutex.Unlock()
	if asked != nil && !again {
		return asked, nil
	}
	engine, err := v.running()
	if err != nil {
		return nil, err
	}
	asked, err = engine.ask(template)
	if err != nil {
		return nil, err
	}
	v.mutex.Lock()
	v.asked[template] = asked
	v.mutex.Unlock()
	return asked, nil
}

// watch has the templates of each CDK stage validated when the stage has been
// written: that is long before the app is.
func (v *Validator) watch(since time.Time) {
	defer close(v.watched)
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	seen := map[string]bool{}
	for {
		manifests, _ := filepath.Glob(filepath.Join(v.settings.Outdir, "assembly-*", "manifest.json"))
		for _, manifest := range manifests {
			if seen[manifest] {
				continue
			}
			if info, err := os.Stat(manifest); err != nil || info.ModTime().Before(since) {
				continue // it is of an earlier synthesis
			}
			templates, err := templatesOf(manifest)
			if err != nil {
				continue // it is being written
			}
			seen[manifest] = true
			for _, template := range templates {
				text, err := os.ReadFile(template.Path)
				if err != nil {
					continue
				}
				if _, known := v.remembered(template, digest(text)); known {
					continue
				}
				if _, err := v.ask(template, false); err != nil {
					v.settings.Log(err.Error())
					return
				}
			}
		}
		select {
		case <-v.done:
			return
		case <-ticker.C:
		}
	}
}

func (v *Validator) stopWatching() {
	v.stop.Do(func() { close(v.done) })
	<-v.watched
}

// templatesOf reads which templates a cloud assembly has.
func templatesOf(manifest string) ([]Template, error) {
	text, err := os.ReadFile(manifest)
	if err != nil {
		return nil, err
	}
	var assembly struct {
		Artifacts map[string]struct {
			Type        string
			Environment string
			Properties  struct {
				TemplateFile string `json:"templateFile"`
			}
		} `json:"artifacts"`
	}
	if err := json.Unmarshal(text, &assembly); err != nil {
		return nil, err
	}
	var templates []Template
	for _, artifact := range assembly.Artifacts {
		if artifact.Type != "aws:cloudformation:stack" {
			continue
		}
		account, region, _ := strings.Cut(strings.TrimPrefix(artifact.Environment, "aws://"), "/")
		template := Template{Path: filepath.Join(filepath.Dir(manifest), artifact.Properties.TemplateFile)}
		if account != "unknown-account" {
			template.Account = account
		}
		if region != "unknown-region" {
			template.Region = region
		}
		templates = append(templates, template)
	}
	slices.SortFunc(templates, func(a, b Template) int { return strings.Compare(a.Path, b.Path) })
	return templates, nil
}

func digest(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// address is that of something that depends on all the parts.
func address(parts ...string) string {
	text, err := json.Marshal(parts)
	if err != nil {
		panic(err) // strings can always be written
	}
	return digest(text)
}
