package gateway

import (
	"github.com/tidewire/tidewire/realtime/gateway/internal/session"
	"github.com/tidewire/tidewire/realtime/wire"
)

// NewWith returns a Gateway that speaks one protocol more.
func NewWith(o Options, e session.Encoder, decode func([]byte) (wire.ClientFrame, error)) (*Gateway, error) {
	return newGateway(o, append(session.Protocols(), &session.Protocol{Encoder: e, Decode: decode}))
}
