// Package instances is a table of the EC2 instance types that run Linux
// containers and of the RDS instance classes that run PostgreSQL: their size,
// architecture, network interfaces and the regions that offer them. With it a
// declaration is checked when it is synthesized, without asking AWS.
//
// # Data
//
// The tables are in ec2.csv and rds.csv, and what an hour costs in ec2-prices.csv
// and rds-prices.csv; all are embedded, and each names its source and its day.
//
// The EC2 types, and the regions that offer them, are EC2's own answers to
// DescribeInstanceTypes and DescribeInstanceTypeOfferings, as of 2026-10-27, for
// the 30 regions that the Python package moto carries them for. Types that EC2
// does not describe any more are in the table without a region. The RDS classes
// and all prices are data of the ec2instances.info project as of 2025-05-28,
// which the Go module github.com/cristim/ec2-instances-info carries; the regions
// of a class are those whose price list names it. LICENSE.data has the licences.
//
// To take newer data, change the version in gen/requirements.txt or gen/go.mod,
// then run
//
//	cd internal/instances/gen && go run .
//
// or `make prices`, and update the dates above.
//
// # What the table does not know
//
// AWS adds instance types and regions all the time, so a name that the table
// lacks may well be a good one: [Lookup] and [LookupDatabase] then report
// false, and [ArchOf] still tells the architecture, from the name. A region
// that the table lacks is taken to offer everything. The dates of the tables,
// [OfferingsDate] and [DatabaseOfferingsDate], say how much to trust that
// a region does not offer something.
package instances

//go:generate go -C gen run .
