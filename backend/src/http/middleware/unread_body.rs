//! Requests that are answered before their body has arrived.
//!
//! Actix closes the connection if the body has a `Content-Length`, but reads a chunked body for as
//! long as the client sends, unless its payload is still in use. So the response keeps the payload.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::HttpMessage;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest};
use actix_web::error::PayloadError;
use actix_web::web::Bytes;
use futures_util::{Stream, StreamExt};

/// A handle to a chunked body; the extractor has another one.
#[derive(Clone)]
pub struct ChunkedBody(Rc<RefCell<Payload>>);

impl ChunkedBody {
    /// The chunked body of a request, if any.
    pub fn of(request: &mut ServiceRequest) -> Option<ChunkedBody> {
        if !request.chunked().unwrap_or(false) {
            return None;
        }
        let body = ChunkedBody(Rc::new(RefCell::new(request.take_payload())));
        request.set_payload(Payload::Stream { payload: Box::pin(body.clone()) });
        Some(body)
    }

    /// Attaches the request body to a response body, so that actix sees at its end whether it was
    /// read.
    pub fn attach_to(self, answer: BoxBody) -> BoxBody {
        BoxBody::new(BodyWithPayload { answer, _body: self })
    }
}

impl Stream for ChunkedBody {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.borrow_mut().poll_next_unpin(context)
    }
}

struct BodyWithPayload {
    answer: BoxBody,
    _body: ChunkedBody,
}

impl MessageBody for BodyWithPayload {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.answer.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        self.answer.as_pin_mut().poll_next(context)
    }
}
