package main

import (
	"fmt"
	"slices"
	"strings"
)

// ec2Instance is what the generator reads of an entry of instances.json.
type ec2Instance struct {
	Name      string   `json:"instance_type"`
	VCPU      int      `json:"vCPU"`
	MemoryGiB float64  `json:"memory"`
	Arch      []string `json:"arch"`
	// BasePerformance is the CPU share a burstable type earns credits for, and
	// null for all others.
	BasePerformance *float64 `json:"base_performance"`
	VPC             struct {
		MaxENIs int `json:"max_enis"`
	} `json:"vpc"`
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
	gpus      int
}

// notTypes are entries of the price list that nobody can launch: i2.large is
// the unit Dedicated Hosts of the i2 family are billed by.
var notTypes = []string{"i2.large"}

// retiredENIs has the network interface limits of retired types that the price
// list lacks. The figures are those that AWS documented.
var retiredENIs = map[string]int{
	"cc2.8xlarge":   8,
	"cr1.8xlarge":   8,
	"g2.2xlarge":    4,
	"g2.8xlarge":    8,
	"g3.16xlarge":   15,
	"g3.4xlarge":    8,
	"g3.8xlarge":    8,
	"g3s.xlarge":    4,
	"hs1.8xlarge":   8,
	"p2.16xlarge":   8,
	"p2.8xlarge":    8,
	"p2.xlarge":     4,
	"u-12tb1.metal": 5,
	"u-18tb1.metal": 15,
	"u-24tb1.metal": 15,
	"u-6tb1.metal":  5,
	"u-9tb1.metal":  5,
}

// ec2Types is the EC2 table, sorted by name: the types that EC2 describes, and,
// offered nowhere, those of the price list that it does not describe any more.
func ec2Types(offered *offerings, priced []ec2Instance) ([]ec2Type, error) {
	var types []ec2Type
	for name, d := range offered.types {
		if isMac(d.Processor.Architectures) {
			continue
		}
		t, err := offered.ec2Type(name)
		if err != nil {
			return nil, err
		}
		types = append(types, t)
	}
	for _, in := range priced {
		if _, described := offered.types[in.Name]; described || slices.Contains(notTypes, in.Name) || isMac(in.Arch) {
			continue
		}
		t, err := retired(in)
		if err != nil {
			return nil, err
		}
		types = append(types, t)
	}
	return types, sortRows(types, func(t ec2Type) string { return t.name })
}

// retired makes a row of a type that only the price list still names.
func retired(in ec2Instance) (ec2Type, error) {
	arch, err := ec2Arch(in.Name, in.Arch)
	if err != nil {
		return ec2Type{}, err
	}
	t := ec2Type{
		row:       row{name: in.Name, vcpu: in.VCPU, memoryMiB: miB(in.MemoryGiB), arch: arch},
		enis:      in.VPC.MaxENIs,
		burstable: in.BasePerformance != nil,
	}
	if enis, ok := retiredENIs[in.Name]; ok {
		t.enis = enis
	}
	if t.enis <= 0 {
		return ec2Type{}, fmt.Errorf("%s: no network interface limit; add it to retiredENIs", t.name)
	}
	return t, t.check()
}

// isMac tells the types that run macOS and nothing else.
func isMac(architectures []string) bool {
	return slices.ContainsFunc(architectures, func(arch string) bool { return strings.HasSuffix(arch, "_mac") })
}

func ec2Arch(name string, architectures []string) (string, error) {
	arm := slices.Contains(architectures, archARM64)
	x86 := slices.Contains(architectures, archX8664)
	switch {
	case arm && !x86:
		return archARM64, nil
	case x86 && !arm:
		return archX8664, nil
	}
	return "", fmt.Errorf("%s: cannot tell the architecture from %q", name, architectures)
}
