package spec

import (
	"os"
	"path"
	"path/filepath"
)

// BuildFiles are the files of that name in the services' build contexts, by
// service, where none is declared: build.yml, release.yml. Only the source that
// the declaration is in can be looked at.
func (a App) BuildFiles(name string) map[string]string {
	found := map[string]string{}
	if a.Pipeline == nil || a.Pipeline.Declaration != nil || a.dir == "" {
		return found
	}
	for _, declared := range a.Services {
		if declared.Image != "" || declared.Source != nil {
			continue
		}
		file := path.Join(declared.Context, name)
		if info, err := os.Stat(filepath.Join(a.dir, file)); err == nil && info.Mode().IsRegular() {
			found[declared.Name] = file
		}
	}
	return found
}

// ImageRegion is the region of the ECR registry that an existing image is
// pulled from, or false where it comes from elsewhere.
func (s Service) ImageRegion() (string, bool) { return s.registry() }

// OneMinuteMetrics says whether scaling on CPU needs the instances' metrics
// every minute, which are billed, instead of every five.
func (s ScaleProfile) OneMinuteMetrics() bool {
	return s.Mode == CPUAlarms && s.CPU.For.Minutes()%5 != 0
}
