package instances

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLookup(t *testing.T) {
	for _, want := range []Type{
		{Name: "t3.micro", VCPU: 2, MemoryMiB: 1024, ENIs: 2, Arch: X8664, Current: true, Burstable: true},
		{Name: "t4g.nano", VCPU: 2, MemoryMiB: 512, ENIs: 2, Arch: ARM64, Current: true, Burstable: true},
		{Name: "m6i.large", VCPU: 2, MemoryMiB: 8192, ENIs: 3, Arch: X8664},
		{Name: "m7g.large", VCPU: 2, MemoryMiB: 8192, ENIs: 3, Arch: ARM64, Current: true},
		{Name: "c7i-flex.large", VCPU: 2, MemoryMiB: 4096, ENIs: 3, Arch: X8664, Current: true},
		{Name: "m3.medium", VCPU: 1, MemoryMiB: 3840, ENIs: 2, Arch: X8664},
		{Name: "a1.medium", VCPU: 1, MemoryMiB: 2048, ENIs: 2, Arch: ARM64},
		{Name: "t1.micro", VCPU: 1, MemoryMiB: 627, ENIs: 2, Arch: X8664},
		{Name: "r3.large", VCPU: 2, MemoryMiB: 15360, ENIs: 3, Arch: X8664},
		{Name: "g5g.xlarge", VCPU: 4, MemoryMiB: 8192, ENIs: 4, Arch: ARM64, Current: true, GPUs: 1},
		{Name: "g4dn.xlarge", VCPU: 4, MemoryMiB: 16384, ENIs: 3, Arch: X8664, Current: true, GPUs: 1},
		{Name: "m7g.metal", VCPU: 64, MemoryMiB: 262144, ENIs: 15, Arch: ARM64, Current: true},
		{Name: "p4d.24xlarge", VCPU: 96, MemoryMiB: 1179648, ENIs: 15, Arch: X8664, Current: true, GPUs: 8},
		{Name: "m8i.large", VCPU: 2, MemoryMiB: 8192, ENIs: 3, Arch: X8664, Current: true},
		{Name: "m9g.large", VCPU: 2, MemoryMiB: 8192, ENIs: 3, Arch: ARM64, Current: true},
		{Name: "p3.2xlarge", VCPU: 8, MemoryMiB: 62464, ENIs: 4, Arch: X8664},
	} {
		t.Run(want.Name, func(t *testing.T) {
			got, ok := Lookup(want.Name)
			require.True(t, ok)
			got.regions = ""
			assert.Equal(t, want, got)
		})
	}
}

func TestLookupUnknown(t *testing.T) {
	for _, name := range []string{"", "t3", "t3.gigantic", "T3.micro", "db.t3.micro", "mac2.metal", "i2.large"} {
		_, ok := Lookup(name)
		assert.Falsef(t, ok, "%q", name)
	}
}

func TestLookupDatabase(t *testing.T) {
	for _, want := range []Database{
		{Name: "t4g.micro", VCPU: 2, MemoryMiB: 1024, Arch: ARM64, Current: true},
		{Name: "t3.small", VCPU: 2, MemoryMiB: 2048, Arch: X8664, Current: true},
		{Name: "m7g.large", VCPU: 2, MemoryMiB: 8192, Arch: ARM64, Current: true},
		{Name: "m8g.12xlarge", VCPU: 48, MemoryMiB: 196608, Arch: ARM64, Current: true},
		{Name: "x2g.large", VCPU: 2, MemoryMiB: 32768, Arch: ARM64, Current: true},
		{Name: "r6i.12xlarge", VCPU: 48, MemoryMiB: 393216, Arch: X8664, Current: true},
		{Name: "t2.micro", VCPU: 1, MemoryMiB: 1024, Arch: X8664},
	} {
		t.Run(want.Name, func(t *testing.T) {
			for _, name := range []string{want.Name, "db." + want.Name} {
				got, ok := LookupDatabase(name)
				require.True(t, ok)
				got.regions = ""
				assert.Equal(t, want, got)
			}
		})
	}
	for _, name := range []string{"", "db.", "db.db.t4g.micro", "t4g.nano", "z1d.large"} {
		_, ok := LookupDatabase(name)
		assert.Falsef(t, ok, "%q", name)
	}
}

func TestOfferedIn(t *testing.T) {
	for _, tt := range []struct {
		name, region string
		want         bool
	}{
		{"t3.micro", "eu-central-1", true},
		{"t3.micro", "us-east-1", true},
		{"m7g.large", "ap-southeast-5", true},
		{"m8g.large", "sa-east-1", true},
		{"t8i.micro", "us-east-1", true},
		{"a1.large", "eu-west-3", false},
		{"p4d.24xlarge", "eu-west-3", false},
		{"g2.2xlarge", "us-east-1", false},
		// A region that begins like another is not that one.
		{"a1.large", "us-west-1", false},
		{"a1.large", "us-west-2", true},
		// The table is older than these.
		{"a1.large", "ap-southeast-6", true},
		{"m9g.large", "mx-central-1", true},
		{"g2.2xlarge", "xx-nowhere-1", true},
		{"a1.large", "", true},
	} {
		typ, ok := Lookup(tt.name)
		require.True(t, ok, tt.name)
		assert.Equalf(t, tt.want, typ.OfferedIn(tt.region), "%s in %s", tt.name, tt.region)
	}

	m6in, ok := LookupDatabase("db.m6in.large")
	require.True(t, ok)
	assert.True(t, m6in.OfferedIn("us-east-1"))
	assert.False(t, m6in.OfferedIn("ca-west-1"))
	assert.True(t, m6in.OfferedIn("ap-southeast-6"))
}

func TestEstimates(t *testing.T) {
	for _, tt := range []struct {
		name                            string
		memory, reserved, cpu, taskENIs int
	}{
		{"t4g.nano", 272, 144, 2048, 1},
		{"t3.micro", 736, 160, 2048, 1},
		{"t3.medium", 3520, 256, 2048, 2},
		{"m6i.large", 7232, 384, 2048, 2},
		{"m6i.4xlarge", 60352, 1024, 16384, 7},
	} {
		typ, ok := Lookup(tt.name)
		require.True(t, ok, tt.name)
		assert.Equal(t, tt.memory, typ.UsableMemoryMiB(), tt.name)
		assert.Equal(t, tt.reserved, ReservedMemoryMiB(tt.name), tt.name)
		assert.Equal(t, tt.cpu, typ.CPUUnits(), tt.name)
		assert.Equal(t, tt.taskENIs, typ.TaskENIs(), tt.name)
	}
	assert.Zero(t, Type{}.UsableMemoryMiB())
	assert.Equal(t, 256, ReservedMemoryMiB("t9.micro"), "a type that the table does not know")
	assert.Zero(t, Type{}.TaskENIs())
}

func TestArchOf(t *testing.T) {
	for name, want := range map[string]Arch{
		"t3.micro":            X8664,
		"t4g.micro":           ARM64,
		"db.t4g.micro":        ARM64,
		"a1.metal":            ARM64,
		"g4dn.xlarge":         X8664,
		"g5g.xlarge":          ARM64,
		"gr6.4xlarge":         X8664,
		"im4gn.large":         ARM64,
		"c7i-flex.large":      X8664,
		"m7i.metal-24xl":      X8664,
		"u-6tb1.metal":        X8664,
		"u7in-16tb.224xlarge": X8664,
		// Newer than the table.
		"m9g.xlarge":           ARM64,
		"c8gb.metal-48xl":      ARM64,
		"i8ge.large":           ARM64,
		"m8i-flex.large":       X8664,
		"x8aedz.large":         X8664,
		"p6-b200.48xlarge":     X8664,
		"p6e-gb200.36xlarge":   ARM64,
		"m10g.large":           ARM64,
		"u7inh-32tb.480xlarge": X8664,
	} {
		got, ok := ArchOf(name)
		assert.Truef(t, ok, name)
		assert.Equalf(t, want, got, name)
	}
	for _, name := range []string{
		"", "t3", "t3.", ".micro", "t3.tiny", "micro.t3", "t3.micro ", "T3.micro", "t.micro", "3t.micro",
		"mac2.metal", "mac2-m2.metal", "mac-m4.metal",
	} {
		_, ok := ArchOf(name)
		assert.Falsef(t, ok, "%q", name)
	}
}

func TestNearest(t *testing.T) {
	for name, want := range map[string]string{
		"t3.micro":    "t3.micro",
		"t3.mico":     "t3.micro",
		"t3.mciro":    "t3.micro",
		"T3.Micro":    "t3.micro",
		" t4g.smal":   "t4g.small",
		"m7g.larg":    "m7g.large",
		"m6i.2xlage":  "m6i.2xlarge",
		"t3micro":     "t3.micro",
		"t5.micro":    "t3.micro", // of the current generation, and the newest
		"":            "",
		"t3":          "",
		"banana":      "",
		"application": "",
	} {
		assert.Equalf(t, want, Nearest(name), "%q", name)
	}
}

func TestNearestDatabase(t *testing.T) {
	assert.Equal(t, "t4g.micro", NearestDatabase("t4g.mirco"))
	assert.Equal(t, "db.t4g.micro", NearestDatabase("db.t4g.mirco"))
	assert.Equal(t, "db.m7g.large", NearestDatabase("db.m7g.lage"))
	assert.Empty(t, NearestDatabase("db."))
	assert.Empty(t, NearestDatabase("postgres"))
}

func TestNamesAreCopies(t *testing.T) {
	Names()[0] = "changed"
	assert.NotEqual(t, "changed", Names()[0])
	DatabaseNames()[0] = "changed"
	assert.NotEqual(t, "changed", DatabaseNames()[0])
}

// The tests below hold for every row of the tables.

var regionPattern = regexp.MustCompile(`^[a-z]+(-[a-z]+)+-[0-9]+$`)

func TestTypes(t *testing.T) {
	names := Names()
	assert.GreaterOrEqual(t, len(names), 500)
	assertSortedSet(t, names)
	for _, name := range names {
		typ, ok := Lookup(name)
		require.True(t, ok, name)
		if typ.Name != name || typ.VCPU < 1 || typ.MemoryMiB < 512 || typ.ENIs < 1 {
			t.Errorf("%+v", typ)
		}
		if usable := typ.UsableMemoryMiB(); usable < 256 || usable >= typ.MemoryMiB {
			t.Errorf("%s: %d MiB usable of %d", name, usable, typ.MemoryMiB)
		}
		checkArch(t, name, typ.Arch)
		checkRegions(t, name, typ.regions)
		family, _, _ := strings.Cut(name, ".")
		burstable := slices.Contains([]string{"t2", "t3", "t3a", "t4g"}, family)
		if typ.Burstable != burstable {
			t.Errorf("%s: burstable: %t", name, typ.Burstable)
		}
		if typ.Current && typ.regions == "" {
			t.Errorf("%s: of the current generation, but offered nowhere", name)
		}
	}
}

func TestDatabases(t *testing.T) {
	names := DatabaseNames()
	assert.GreaterOrEqual(t, len(names), 200)
	assertSortedSet(t, names)
	for _, name := range names {
		d, ok := LookupDatabase(name)
		require.True(t, ok, name)
		if d.Name != name || d.VCPU < 1 || d.MemoryMiB < 512 || d.regions == "" {
			t.Errorf("%+v", d)
		}
		checkArch(t, name, d.Arch)
		checkRegions(t, name, d.regions)
	}
}

func TestEveryFamilyIsThere(t *testing.T) {
	families := make(map[string]bool)
	for _, name := range Names() {
		family, _, _ := strings.Cut(name, ".")
		families[family] = true
	}
	for _, family := range []string{
		"t2", "t3", "t3a", "t4g", "m4", "m5", "m5a", "m6a", "m6g", "m6i", "m7a", "m7g", "m7i", "m7i-flex", "m8g",
		"c5", "c6a", "c6g", "c6i", "c7a", "c7g", "c7gn", "c7i", "c8g", "r5", "r6g", "r6i", "r7g", "r7i", "r8g",
		"x2gd", "x2iedn", "i3", "i4i", "i7ie", "i8g", "d3", "g4dn", "g5", "g5g", "g6", "g6e", "p4d", "p5",
		"inf2", "trn1", "hpc7g",
	} {
		assert.Truef(t, families[family], family)
	}
}

func TestKnownRegions(t *testing.T) {
	assert.True(t, tables().rds.regions["us-gov-west-1"])
	for _, known := range []map[string]bool{tables().ec2.regions, tables().rds.regions} {
		for _, region := range []string{
			"us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "sa-east-1",
			"eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3",
			"ap-northeast-1", "ap-south-1", "ap-southeast-1", "ap-southeast-2",
		} {
			assert.True(t, known[region], region)
		}
	}
}

// The tables are checked against what they say they are made from, so that
// nobody changes the generator's sources and forgets to run it.
func TestTablesAreOfThePinnedSources(t *testing.T) {
	pinned := func(file, pattern string) string {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		match := regexp.MustCompile(pattern).FindSubmatch(text)
		require.NotNil(t, match, file)
		return string(match[1]) + " " + string(match[2])
	}
	module, offerings := pinned("gen/go.mod", `=> (\S+) (\S+)`), pinned("gen/requirements.txt", `(?m)^(\S+)==(\S+) `)
	doc, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	for name, table := range map[string]struct{ text, source string }{
		"ec2.csv": {ec2CSV, offerings}, "rds.csv": {rdsCSV, module},
		"ec2-prices.csv": {ec2PricesCSV, module}, "rds-prices.csv": {rdsPricesCSV, module},
	} {
		assert.Contains(t, table.text, "# Source: "+table.source+"\n", name)
		assert.Contains(t, string(doc), "as of "+comment(table.text, "# Data of: "), name)
		assert.Less(t, len(table.text), 400_000, name)
	}
}

func TestReadTableErrors(t *testing.T) {
	read := func(data string) error {
		_, err := readTable(data, []string{"name", "vcpu", "arch", "current"}, func(f *fields) (string, string, Type) {
			typ := Type{Name: f.text(), VCPU: f.number(), Arch: f.arch(), Current: f.boolean()}
			return typ.Name, "", typ
		})
		return err
	}
	const header = "# comment\nname,vcpu,arch,current\n"
	require.NoError(t, read(header+"t3.micro,2,x86_64,true\n"))
	for name, data := range map[string]string{
		"empty":        "",
		"other column": "name,cpu,arch,current\n",
		"short row":    header + "t3.micro,2\n",
		"number":       header + "t3.micro,two,x86_64,true\n",
		"arch":         header + "t3.micro,2,vax,true\n",
		"boolean":      header + "t3.micro,2,x86_64,perhaps\n",
	} {
		assert.Error(t, read(data), name)
	}
}

func assertSortedSet(t *testing.T, names []string) {
	t.Helper()
	assert.True(t, slices.IsSorted(names), "not sorted")
	assert.Len(t, slices.Compact(slices.Clone(names)), len(names), "duplicates")
}

func checkArch(t *testing.T, name string, arch Arch) {
	t.Helper()
	byName, ok := ArchOf(name)
	if !ok {
		t.Errorf("%s: does not follow the naming rule", name)
	} else if byName != arch {
		t.Errorf("%s: %s, but %s by its name", name, arch, byName)
	}
}

func checkRegions(t *testing.T, name, regions string) {
	t.Helper()
	list := strings.Fields(regions)
	if !slices.IsSorted(list) || len(slices.Compact(slices.Clone(list))) != len(list) {
		t.Errorf("%s: regions are not a sorted set: %s", name, regions)
	}
	for _, region := range list {
		if !regionPattern.MatchString(region) {
			t.Errorf("%s: %q is not a region", name, region)
		}
	}
}

func TestPageOnSizing(t *testing.T) {
	page, err := os.ReadFile("../../docs/sizing.md")
	require.NoError(t, err)
	rows := regexp.MustCompile(`(?m)^\| (\S+) \| (\d+) MiB \| (\d+) MiB \| (\d+) MiB \|$`).FindAllStringSubmatch(string(page), -1)
	require.NotEmpty(t, rows)
	for _, row := range rows {
		typ, known := Lookup(row[1])
		require.True(t, known, row[1])
		want := fmt.Sprintf("| %s | %d MiB | %d MiB | %d MiB |", typ.Name, typ.MemoryMiB, ReservedMemoryMiB(typ.Name), typ.UsableMemoryMiB())
		assert.Equal(t, want, row[0])
	}
}
