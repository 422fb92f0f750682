package spec

import (
	"fmt"
	"path"
	"strings"

	"github.com/tinystack-go/tinystack/internal/phrase"
)

// Ulimit is a resource limit of a container.
type Ulimit struct {
	// Name of the limit as Linux knows it.
	//   - Default: required
	//   - Allowed: core, cpu, data, fsize, locks, memlock, msgqueue, nice, nofile, nproc, rss, rtprio, rttime, sigpending or stack
	//   - Change: restarts tasks
	//   - Example: nproc
	Name string `yaml:"name"`

	// Soft limit, which the container may raise up to [Ulimit.Hard]; -1 is no
	// limit, which Linux takes for every limit but nofile.
	//   - Default: required
	//   - Allowed: -1 to 2147483647
	//   - Change: restarts tasks
	//   - Example: 2048
	Soft *int `yaml:"soft"`

	// Hard limit, at least the soft one; -1 is no limit.
	//   - Default: the soft limit
	//   - Allowed: -1 to 2147483647
	//   - Change: restarts tasks
	//   - Example: 65536
	Hard *int `yaml:"hard"`
}

// Volume is a folder on the disk of the instance.
type Volume struct {
	// Name of the volume, unique in the service.
	//   - Default: required
	//   - Allowed: up to 255 letters, digits, - and _
	//   - Change: restarts tasks
	//   - Example: uploads
	Name string `yaml:"name"`

	// Path of the folder in the container.
	//   - Default: required
	//   - Allowed: an absolute path, without a colon
	//   - Change: restarts tasks
	//   - Example: /var/tmp
	Path string `yaml:"path"`

	// HostPath is a folder of the instance that all tasks on it share, and
	// that goes with the instance.
	//   - Default: none: a folder of the task's own, empty at first, that goes with the task
	//   - Allowed: an absolute path, without a colon
	//   - Change: restarts tasks
	//   - Example: /data/uploads
	HostPath string `yaml:"hostPath"`

	// ReadOnly keeps the container from writing to it.
	//   - Default: false
	//   - Change: restarts tasks
	//   - Example: true
	ReadOnly bool `yaml:"readOnly"`
}

var (
	userPattern   = compile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*(?::[A-Za-z0-9_][A-Za-z0-9_.-]*)?$`)
	volumePattern = compile(`^[A-Za-z0-9_-]{1,255}$`)
	folderPattern = compile(`^/[^:\x00-\x1f]*$`)
)

// validateContainer checks how the container runs.
func (s Service) validateContainer(r report) {
	oneOf(r.field("networkMode"), s.NetworkMode, "a network mode", Bridge, AWSVPC)
	r.field("stopTimeout").lasting(s.StopTimeout, second, hour, second)
	if s.WorkingDirectory != "" {
		validateFolder(r.field("workingDirectory"), s.WorkingDirectory)
	}
	if s.User != "" {
		r.field("user").matches(s.User, userPattern, "a user", "a name or a number, as in app, 1000 or 1000:1000", "write it as docker run --user takes it")
	}
	limits := map[string]bool{}
	for i, limit := range s.Ulimits {
		at := r.field("ulimits").item(i)
		limit.validate(at)
		if limits[limit.Name] {
			at.field("name").fail(at.quote(limit.Name)+" is limited twice", "each limit once", "remove one of the two")
		}
		limits[limit.Name] = true
	}
	names, paths := map[string]bool{}, map[string]bool{}
	for i, volume := range s.Volumes {
		at := r.field("volumes").item(i)
		volume.validate(at)
		if names[volume.Name] && volume.Name != "" {
			at.field("name").fail(at.quote(volume.Name)+" is the name of two volumes", "a name of its own for each volume", "rename one of the two")
		}
		if clean := path.Clean(volume.Path); paths[clean] && volume.Path != "" {
			at.field("path").fail(at.quote(volume.Path)+" is the path of two volumes", "a path of its own for each volume", "move one of the two")
		}
		names[volume.Name], paths[path.Clean(volume.Path)] = true, true
	}
}

// ulimitNames are the limits that ECS can change.
var ulimitNames = []string{"core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss", "rtprio", "rttime", "sigpending", "stack"}

// What ECS takes as a limit, of which noLimit has a meaning of its own.
const (
	noLimit       = -1
	largestUlimit = 1<<31 - 1

	allowedUlimits = "-1 to 2147483647"
)

func (u Ulimit) validate(r report) {
	if r.field("name").required(u.Name, phrase.List(ulimitNames, "or"), "name the limit") && !isToken(u.Name) {
		oneOf(r.field("name"), u.Name, "a limit", ulimitNames...)
	}
	soft, hard := r.field("soft"), r.field("hard")
	if u.Soft == nil {
		soft.fail("is missing", allowedUlimits, "give a number, or -1 for no limit")
		return
	}
	if !soft.between(*u.Soft, noLimit, largestUlimit, "a limit", "", "give another number, or -1 for no limit") ||
		!hard.between(*u.Hard, noLimit, largestUlimit, "a limit", "", "give another number, or -1 for no limit") {
		return
	}
	for _, given := range []struct {
		at    report
		limit int
	}{{soft, *u.Soft}, {hard, *u.Hard}} {
		if u.Name == "nofile" && given.limit == noLimit {
			given.at.fail("nofile cannot be without a limit: Linux refuses that, and the container never starts", "a number of files", "give a number, as in 1048576")
			return
		}
	}
	switch {
	case *u.Hard == noLimit:
	case *u.Soft == noLimit:
		soft.fail(fmt.Sprintf("-1 (no limit) is more than hard, %s", r.show(*u.Hard)), "at most hard", "raise hard to -1, or give a number")
	default:
		ordered(r, "soft", *u.Soft, "hard", *u.Hard)
	}
}

func (v Volume) validate(r report) {
	if r.field("name").required(v.Name, "letters, digits, - and _", "name the volume") {
		r.field("name").matches(v.Name, volumePattern, "a name for a volume", "up to 255 letters, digits, - and _", "rename it")
	}
	if r.field("path").required(v.Path, "an absolute path", "say where the container finds the volume") {
		validateFolder(r.field("path"), v.Path)
	}
	host := r.field("hostPath")
	if v.HostPath == "" || !validateFolder(host, v.HostPath) {
		return
	}
	for _, powerful := range []string{"/var/run/docker.sock", "/run/docker.sock", "/var/lib/docker", "/etc", "/proc", "/sys", "/root"} {
		if clean := path.Clean(v.HostPath); clean == "/" || clean == powerful || strings.HasPrefix(powerful, clean+"/") {
			host.warn(host.quote(v.HostPath)+" lets the container rule its instance, with the instance's role and all other tasks on it", "share a folder made for that, as in /data")
			return
		}
	}
}

func validateFolder(r report, folder string) bool {
	return r.matches(folder, folderPattern, "an absolute path", "a path that begins with a slash, without a colon", "begin with a slash")
}
