package app

// Recent is what holds changes for the follower.
type Recent = recent

// MaxRecent is how many rows it holds.
const MaxRecent = maxRecent

var (
	RecentAdd  = (*recent).add
	RecentTake = (*recent).take
)
