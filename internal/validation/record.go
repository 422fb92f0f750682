package validation

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// record holds the results of syntheses that have succeeded, each at the
// address of what it depends on. Whatever in the folder is not as it was
// written is as good as not there.
type record struct {
	folder string
}

// The folder of the record never holds more than maxEntries and some: 20 stages
// take about 60 entries of 100 bytes to 2 kB.
const maxEntries = 4096

// freshen is the age at which an entry that is used is marked as used. The
// entries that were used longest ago go first.
const freshen = 24 * time.Hour

func openRecord() (*record, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	folder := filepath.Join(cache, "tinystack", "validation")
	return &record{folder}, nil
}

func (r *record) file(address string) string { return filepath.Join(r.folder, address) }

// entry is what an entry's file holds, after a line with its digest.
type entry struct {
	Address    string      `json:"address"`
	Violations []Violation `json:"violations"`
}

func (r *record) has(address string) bool {
	_, there := r.get(address)
	return there
}

func (r *record) get(address string) ([]Violation, bool) {
	file := r.file(address)
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, false
	}
	sum, body, _ := bytes.Cut(text, []byte("\n"))
	var found entry
	if string(sum) != digest(body) || json.Unmarshal(body, &found) != nil || found.Address != address {
		return nil, false
	}
	if info, err := os.Stat(file); err == nil && time.Since(info.ModTime()) > freshen {
		now := time.Now()
		os.Chtimes(file, now, now)
	}
	return found.Violations, true
}

func (r *record) put(address string, violations []Violation) error {
	body, err := json.Marshal(entry{address, violations})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(r.folder, 0o700); err != nil {
		return err
	}
	temporary, err := os.CreateTemp(r.folder, ".new-")
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name()) // unless it has been renamed
	_, err = temporary.Write(slices.Concat([]byte(digest(body)), []byte("\n"), body))
	if closing := temporary.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return err
	}
	return os.Rename(temporary.Name(), r.file(address))
}

// prune removes the entries that were used longest ago when there are too many,
// some at a time.
func (r *record) prune() {
	entries, err := os.ReadDir(r.folder)
	if err != nil || len(entries) <= maxEntries {
		return
	}
	type file struct {
		name string
		used time.Time
	}
	var files []file
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() {
			files = append(files, file{entry.Name(), info.ModTime()})
		}
	}
	slices.SortFunc(files, func(a, b file) int { return a.used.Compare(b.used) })
	for _, old := range files[:max(0, len(files)-maxEntries*3/4)] {
		os.Remove(filepath.Join(r.folder, old.name))
	}
}
