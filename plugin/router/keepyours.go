package router

import (
	apimodel "github.com/polarismesh/specification/source/go/api/v1/model"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// KeepYours returns an answer without a list, to a request for the instances of a
// service (docs/design.md, 5.4, "No list, keep yours"). The client keeps the list that
// it has. The info of the answer says why.
//
// A request that names a revision gets DataNoChange with that revision. A request that
// names none gets ExecuteException: DataNoChange is an empty list to an SDK that has no
// list. Any other code empties Java clients, some of them for good.
//
// The listeners keep the encoded form of lists only, by the revision in the answer. So
// an answer of KeepYours is never sent for a list of that revision, nor the other way.
func KeepYours(message *apiservice.Service, why string) *apiservice.DiscoverResponse {
	code := apimodel.Code_DataNoChange
	if message.GetRevision().GetValue() == "" {
		code = apimodel.Code_ExecuteException
	}
	return &apiservice.DiscoverResponse{
		Type: apiservice.DiscoverResponse_INSTANCE,
		Code: wrapperspb.UInt32(uint32(code)),
		Info: wrapperspb.String(why),
		// Nothing else of the message is sent back: the message can have a token.
		Service: &apiservice.Service{Namespace: message.GetNamespace(), Name: message.GetName(), Revision: message.GetRevision()},
	}
}

// Reasons why a client gets no list.
const (
	whyFault  = "routing failed in the server, which gives no list; the server's log says why"
	whyUntold = "the server cannot tell who asks and gives no list; the server's log says why"
)

// keepYours answers a caller that cannot be told, and that must not get a list for
// nobody in particular. Auth comes first: a caller that is refused learns nothing, and
// of a service that does not exist the stock server says so.
func (r *request) keepYours(why string) *apiservice.DiscoverResponse {
	resp := r.stockAnswer()
	if resp.GetCode().GetValue() <= uint32(apimodel.Code_DataNoChange) {
		return KeepYours(r.message, why)
	}
	return resp
}
