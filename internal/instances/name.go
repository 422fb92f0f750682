package instances

import (
	"regexp"
	"strconv"
	"strings"
)

// typeName matches the names of instance types: a series of letters, the
// number of its generation, letters for its attributes, variants each after a
// hyphen, and after the dot the size. The High Memory types (u-6tb1.metal) have
// a hyphen before the number and a digit after the letters.
var typeName = regexp.MustCompile(`^([a-z]+)-?([0-9]+)([a-z]*[0-9]*)((?:-[a-z0-9]+)*)` +
	`\.(?:nano|micro|small|medium|large|[0-9]*xlarge|metal(?:-[0-9]+xl)?)$`)

// ArchOf tells the architecture of an instance type from its name alone, by
// the rule of https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html:
// a g among the letters after the generation's number says that the processor
// is a Graviton, as in m7g or c6gn, but not in g4dn. It serves for types that
// the table does not know yet, and takes RDS instance classes too, with the
// prefix db. or without. It reports false for what is not named like an
// instance type, and for the types that run macOS.
func ArchOf(name string) (Arch, bool) {
	match := typeName.FindStringSubmatch(strings.TrimPrefix(name, databasePrefix))
	if match == nil {
		return "", false
	}
	series, generation, attributes, variants := match[1], match[2], match[3], match[4]
	switch {
	case series == "mac":
		return "", false
	case series == "a" && generation == "1":
		// The first Graviton, which is older than the rule.
		return ARM64, true
	case strings.Contains(attributes, "g"):
		return ARM64, true
	case strings.Contains(variants, "-gb"):
		// Grace Blackwell, as in p6e-gb200: the processor is an Arm one too.
		return ARM64, true
	}
	return X8664, true
}

var typeSeries = regexp.MustCompile(`^([a-z]+)-?([0-9]+)`)

// Generation splits the name of a type or class into its series and the number of
// its generation: m and 7 of m7g.large. What is not named so has neither.
func Generation(name string) (series string, generation int) {
	match := typeSeries.FindStringSubmatch(strings.TrimPrefix(name, databasePrefix))
	if match == nil {
		return "", 0
	}
	generation, _ = strconv.Atoi(match[2])
	return match[1], generation
}
