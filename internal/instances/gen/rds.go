package main

import (
	"fmt"
	"strconv"
	"strings"
)

// rdsInstance is what the generator reads of an entry of rds-instances.json.
type rdsInstance struct {
	Name      string `json:"instance_type"`
	VCPU      string `json:"vcpu"`
	MemoryGiB string `json:"memory"`
	// CurrentGeneration is "Yes" or "No", and Processor names the CPU. Some
	// entries lack both.
	CurrentGeneration string `json:"currentGeneration"`
	Processor         string `json:"physicalProcessor"`
	// Pricing is by region, then by database engine.
	Pricing map[string]map[string]rdsPrice `json:"pricing"`
}

// rdsPrice is that of one instance in one zone.
type rdsPrice struct {
	OnDemand price `json:"ondemand"`
}

const postgres = "PostgreSQL"

// rdsFamily is what all classes of a family share.
type rdsFamily struct {
	arch    string
	current bool
}

// rdsClasses is the table of the RDS instance classes that run PostgreSQL,
// sorted by name.
func rdsClasses(instances []rdsInstance, types []ec2Type) ([]row, error) {
	byName := make(map[string]ec2Type, len(types))
	for _, t := range types {
		byName[t.name] = t
	}
	families, err := rdsFamilies(instances)
	if err != nil {
		return nil, err
	}

	var classes []row
	for _, in := range instances {
		regions := postgresRegions(in)
		if len(regions) == 0 {
			continue
		}
		name := strings.TrimPrefix(in.Name, "db.")
		vcpu, err := strconv.Atoi(in.VCPU)
		if err != nil {
			return nil, fmt.Errorf("%s: vCPU: %w", in.Name, err)
		}
		memory, err := strconv.ParseFloat(in.MemoryGiB, 64)
		if err != nil {
			return nil, fmt.Errorf("%s: memory: %w", in.Name, err)
		}
		shared := families[family(name)]
		class := row{
			name:      name,
			vcpu:      vcpu,
			memoryMiB: miB(memory),
			arch:      shared.arch,
			current:   shared.current,
			regions:   regions,
		}
		// A class is the EC2 type of the same name. The RDS price list has some
		// memory sizes wrong (those of the larger m8g classes), the EC2 one
		// does not.
		if t, ok := byName[name]; ok {
			if t.vcpu != class.vcpu || t.arch != class.arch {
				return nil, fmt.Errorf("%s: %d vCPU and %s, but as an EC2 type %d and %s",
					in.Name, class.vcpu, class.arch, t.vcpu, t.arch)
			}
			class.memoryMiB = t.memoryMiB
		}
		if err := class.check(); err != nil {
			return nil, err
		}
		classes = append(classes, class)
	}
	return classes, sortRows(classes, func(r row) string { return r.name })
}

// rdsFamilies gathers what the source tells of each family, as it does not
// tell it of each class.
func rdsFamilies(instances []rdsInstance) (map[string]rdsFamily, error) {
	families := make(map[string]rdsFamily)
	for _, in := range instances {
		if in.Processor == "" || in.CurrentGeneration == "" {
			continue
		}
		f := rdsFamily{arch: archX8664, current: in.CurrentGeneration == "Yes"}
		if strings.Contains(in.Processor, "Graviton") {
			f.arch = archARM64
		}
		name := family(strings.TrimPrefix(in.Name, "db."))
		if seen, ok := families[name]; ok && seen != f {
			return nil, fmt.Errorf("%s: %+v, but another class of the family is %+v", in.Name, f, seen)
		}
		families[name] = f
	}
	return families, nil
}

func postgresRegions(in rdsInstance) []string {
	var names []string
	for region, engines := range in.Pricing {
		if _, ok := engines[postgres]; ok {
			names = append(names, region)
		}
	}
	return regionsOf(names)
}
