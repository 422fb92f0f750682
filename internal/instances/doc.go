// Package instances is a table of the EC2 instance types that run Linux
// containers and of the RDS instance classes that run PostgreSQL: their size,
// architecture, network interfaces and the regions that offer them. With it a
// declaration is checked when it is synthesized, without asking AWS.
//
// # Data
//
// The table is in ec2.csv and rds.csv, and what an hour costs in ec2-prices.csv
// and rds-prices.csv; all are embedded. They are generated
// from the data of the ec2instances.info project as of 2025-05-28, which the Go
// module github.com/cristim/ec2-instances-info carries; LICENSE.data has its
// licence. To take newer data, change the module's version in gen/go.mod, then
// run
//
//	cd internal/instances/gen && go run .
//
// or `make prices`, and update the date above.
//
// The regions of an instance type are, for the regions that an AWS account has
// from the start, those where EC2 offered the type; for the others, and for
// RDS, those whose price list names it. The regions of China are not in the
// table.
//
// # What the table does not know
//
// AWS adds instance types and regions all the time, so a name that the table
// lacks may well be a good one: [Lookup] and [LookupDatabase] then report
// false, and [ArchOf] still tells the architecture, from the name. A region
// that the table lacks is taken to offer everything.
package instances

//go:generate go -C gen run .
