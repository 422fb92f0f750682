package instances

import (
	_ "embed" // for the tables
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
)

//go:embed ec2.csv
var ec2CSV string

//go:embed rds.csv
var rdsCSV string

// table is one of the two tables, by name.
type table[T any] struct {
	entries map[string]T
	names   []string        // in the order of the file, which is sorted
	regions map[string]bool // all that any entry is offered in
}

type allTables struct {
	ec2 table[Type]
	rds table[Database]
}

// tables parses the embedded files when they are first needed. Nothing but a
// defect of the files themselves makes it panic, and the tests read them.
var tables = sync.OnceValue(func() allTables {
	ec2, err := readTable(ec2CSV, []string{"name", "vcpu", "memoryMiB", "enis", "arch", "current", "burstable", "gpus", "regions"},
		func(f *fields) (string, string, Type) {
			t := Type{
				Name:      f.text(),
				VCPU:      f.number(),
				MemoryMiB: f.number(),
				ENIs:      f.number(),
				Arch:      f.arch(),
				Current:   f.boolean(),
				Burstable: f.boolean(),
				GPUs:      f.number(),
				regions:   f.text(),
			}
			return t.Name, t.regions, t
		})
	if err != nil {
		panic(fmt.Errorf("instances: ec2.csv: %w", err))
	}
	rds, err := readTable(rdsCSV, []string{"name", "vcpu", "memoryMiB", "arch", "current", "regions"},
		func(f *fields) (string, string, Database) {
			d := Database{
				Name:      f.text(),
				VCPU:      f.number(),
				MemoryMiB: f.number(),
				Arch:      f.arch(),
				Current:   f.boolean(),
				regions:   f.text(),
			}
			return d.Name, d.regions, d
		})
	if err != nil {
		panic(fmt.Errorf("instances: rds.csv: %w", err))
	}
	return allTables{ec2: ec2, rds: rds}
})

// readTable reads a table with the given columns. The function makes an entry
// of a row, and returns with it the entry's name and its regions.
func readTable[T any](data string, columns []string, entry func(*fields) (name, regions string, e T)) (table[T], error) {
	t := table[T]{entries: make(map[string]T), regions: make(map[string]bool)}
	r := csv.NewReader(strings.NewReader(data))
	r.Comment = '#'
	r.FieldsPerRecord = len(columns)
	r.ReuseRecord = true

	header, err := r.Read()
	if err != nil {
		return t, err
	}
	for i, column := range columns {
		if header[i] != column {
			return t, fmt.Errorf("column %d is %q, not %q", i+1, header[i], column)
		}
	}
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return t, nil
		}
		if err != nil {
			return t, err
		}
		f := fields{rest: record}
		name, regions, e := entry(&f)
		if f.err != nil {
			return t, fmt.Errorf("%s: %w", name, f.err)
		}
		t.entries[name] = e
		t.names = append(t.names, name)
		for region := range strings.FieldsSeq(regions) {
			t.regions[region] = true
		}
	}
}

// fields reads a row's fields one after the other, and keeps the first error.
type fields struct {
	rest []string
	err  error
}

func (f *fields) text() string {
	s := f.rest[0]
	f.rest = f.rest[1:]
	return s
}

func (f *fields) number() int {
	n, err := strconv.Atoi(f.text())
	f.keep(err)
	return n
}

func (f *fields) boolean() bool {
	b, err := strconv.ParseBool(f.text())
	f.keep(err)
	return b
}

func (f *fields) arch() Arch {
	a := Arch(f.text())
	if a != X8664 && a != ARM64 {
		f.keep(fmt.Errorf("unknown architecture %q", a))
	}
	return a
}

func (f *fields) keep(err error) {
	if f.err == nil {
		f.err = err
	}
}
