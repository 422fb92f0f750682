// Package network makes the VPC of a stage, or uses one that is there.
//
// A new VPC has the same subnets whatever way out is chosen: per zone one
// public, one private and one isolated subnet for databases. So the way out,
// the endpoint and the database of a stage can each be changed later without
// touching a subnet.
//
// Zones are named by id (use1-az1), not by name (us-east-1a): ids mean the same
// place in every account, which keeps a stage out of the zones where VPC links
// are not offered. It also keeps synthesis free of look-ups, which the CDK's own
// Vpc makes as soon as a stack has an explicit account and region; that is why
// the VPC here consists of L1 resources.
//
// Flow logs record rejected traffic only: enough to see who was turned away,
// at a price that stays near zero.
package network
