package migrate

// SkipProbe makes Move and MoveAll begin without the check of the stores.
func (p *Provider) SkipProbe() { p.probed.Store(true) }

// Forget empties the set of the IDs that are known to be moved.
func (p *Provider) Forget() { p.moved = idSet{} }

// What a record of a store stands for.
var (
	IsMoved       = func(format string) bool { return format == formatMoved }
	IsReservation = func(format string) bool { return format == formatReserved }
	IsMoving      = func(format string) bool { return len(format) > len(formatMoving) && format[:len(formatMoving)] == formatMoving }
	IsMarker      = isReserved
)

const (
	ReservationTime = reservationTime
	MaxIDs          = maxIDs
)
