package gateway

import "github.com/tidewire/tidewire/realtime/wire"

// NewWith returns a Gateway that speaks one protocol more.
func NewWith(o Options, e encoder, decode func([]byte) (wire.ClientFrame, error)) (*Gateway, error) {
	return newGateway(o, append(protocols(), &protocol{e, decode}))
}
