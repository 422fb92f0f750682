package main

import (
	"fmt"
	"slices"
	"strings"
)

// ec2Instance is what the generator reads of an entry of instances.json.
type ec2Instance struct {
	Name       string   `json:"instance_type"`
	VCPU       int      `json:"vCPU"`
	MemoryGiB  float64  `json:"memory"`
	Arch       []string `json:"arch"`
	Generation string   `json:"generation"`
	// BasePerformance is the CPU share a burstable type earns credits for, and
	// null for all others.
	BasePerformance *float64 `json:"base_performance"`
	VPC             struct {
		MaxENIs int `json:"max_enis"`
	} `json:"vpc"`
	// Regions has the regions whose price list names the type.
	Regions keys `json:"regions"`
	// Zones has the regions that offer the type, by their Availability Zones;
	// the source knows them for the regions enabled by default only.
	Zones keys `json:"availability_zones"`
	// Pricing is by region, then by operating system.
	Pricing map[string]struct {
		Linux struct {
			OnDemand price `json:"ondemand"`
			// Spot is the mean of the zones' prices when the data was taken.
			Spot price `json:"spot_avg"`
		} `json:"linux"`
	} `json:"pricing"`
}

type ec2Type struct {
	row
	enis      int
	burstable bool
}

// notTypes are entries of the price list that nobody can launch: i2.large is
// the unit Dedicated Hosts of the i2 family are billed by.
var notTypes = []string{"i2.large"}

// memoryFixes has the memory sizes, in MiB, that the EC2 API (which is right)
// states otherwise than the price list.
var memoryFixes = map[string]int{
	"m1.medium": 3788,
	"r3.large":  15360,
}

// eniFixes has the network interface limits that the source lacks, and those
// of types with several network cards, for which it adds up the limits of all
// cards: an interface attached without naming a card goes to the first, so only
// that one's limit is safe to count on. The figures are those AWS documents for
// the EC2 instance types, by network card where there are several.
var eniFixes = map[string]int{
	"c6in.32xlarge":       8,
	"c6in.metal":          8,
	"cc2.8xlarge":         8,
	"cr1.8xlarge":         8,
	"dl1.24xlarge":        15,
	"g2.2xlarge":          4,
	"g2.8xlarge":          8,
	"g3.16xlarge":         15,
	"g3.4xlarge":          8,
	"g3.8xlarge":          8,
	"g3s.xlarge":          4,
	"g6e.24xlarge":        10,
	"g6e.48xlarge":        10,
	"hpc6a.48xlarge":      2,
	"hpc6id.32xlarge":     1,
	"hpc7a.12xlarge":      2,
	"hpc7a.24xlarge":      2,
	"hpc7a.48xlarge":      2,
	"hpc7a.96xlarge":      2,
	"hs1.8xlarge":         8,
	"m6idn.32xlarge":      8,
	"m6idn.metal":         8,
	"m6in.32xlarge":       8,
	"m6in.metal":          8,
	"p2.16xlarge":         8,
	"p2.8xlarge":          8,
	"p2.xlarge":           4,
	"p4d.24xlarge":        15,
	"p4de.24xlarge":       15,
	"p5.48xlarge":         2,
	"p5e.48xlarge":        2,
	"p5en.48xlarge":       4,
	"r6idn.32xlarge":      8,
	"r6idn.metal":         8,
	"r6in.32xlarge":       8,
	"r6in.metal":          8,
	"trn1.32xlarge":       5,
	"trn1n.32xlarge":      5,
	"trn2.48xlarge":       2,
	"u-12tb1.metal":       5,
	"u-18tb1.metal":       15,
	"u-24tb1.metal":       15,
	"u-6tb1.metal":        5,
	"u-9tb1.metal":        5,
	"u7in-16tb.224xlarge": 8,
	"u7in-24tb.224xlarge": 8,
	"u7in-32tb.224xlarge": 8,
}

// ec2Types is the EC2 table, sorted by name.
func ec2Types(instances []ec2Instance) ([]ec2Type, error) {
	// Price lists name types that a region no longer offers, or never did. So
	// where the source has the zones that offer a type, they count.
	zoned := make(map[string]bool)
	for _, in := range instances {
		for region := range in.Zones {
			zoned[region] = true
		}
	}

	var types []ec2Type
	for _, in := range instances {
		if slices.Contains(notTypes, in.Name) || isMac(in) {
			continue
		}
		arch, err := ec2Arch(in)
		if err != nil {
			return nil, err
		}
		t := ec2Type{
			row: row{
				name:      in.Name,
				vcpu:      in.VCPU,
				memoryMiB: miB(in.MemoryGiB),
				arch:      arch,
				current:   in.Generation == "current",
			},
			enis:      in.VPC.MaxENIs,
			burstable: in.BasePerformance != nil,
		}
		if fix, ok := memoryFixes[in.Name]; ok {
			t.memoryMiB = fix
		}
		if fix, ok := eniFixes[in.Name]; ok {
			t.enis = fix
		}
		offered := in.Zones.names()
		for region := range in.Regions {
			if !zoned[region] {
				offered = append(offered, region)
			}
		}
		t.regions = regionsOf(offered)

		if err := t.check(); err != nil {
			return nil, err
		}
		if t.enis <= 0 {
			return nil, fmt.Errorf("%s: no network interface limit; add it to eniFixes", t.name)
		}
		types = append(types, t)
	}
	return types, sortRows(types, func(t ec2Type) string { return t.name })
}

// isMac tells the types that run macOS and nothing else.
func isMac(in ec2Instance) bool {
	return slices.ContainsFunc(in.Arch, func(arch string) bool { return strings.HasSuffix(arch, "_mac") })
}

func ec2Arch(in ec2Instance) (string, error) {
	arm := slices.Contains(in.Arch, archARM64)
	x86 := slices.Contains(in.Arch, archX8664)
	switch {
	case arm && !x86:
		return archARM64, nil
	case x86 && !arm:
		return archX8664, nil
	}
	return "", fmt.Errorf("%s: cannot tell the architecture from %q", in.Name, in.Arch)
}
