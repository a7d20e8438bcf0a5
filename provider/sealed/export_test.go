package sealed

import "github.com/holdfast-go/holdfast/provider"

// Subkey returns the key of AES-256-GCM that XAES-256-GCM takes for the nonce.
func Subkey(secret, nonce []byte) ([]byte, error) {
	k, err := newXAES(secret, make([]byte, nameSize))
	if err != nil {
		return nil, err
	}
	return k.subkey(nonce[:saltSize]), nil
}

// SealText gives rec as its Data a text that is sealed as it should be, whatever
// it says.
func (p *Provider) SealText(rec *provider.Record, text string) {
	rec.Format = Format
	data := make([]byte, boxAt)
	data[0] = layout
	copy(data[nameAt:], p.keys[0].name[:])
	rec.Data = p.keys[0].aead(data[saltAt:]).Seal(data, nil, []byte(text), additional(rec))
}
