//! Entries of the method table and how they are written.

use super::{Caller, Core, Failure, MethodError, Responder, answer};
use crate::protocol::{
    frame::{Json, json},
    schema::{self, Validator},
    scope::Scope,
};
use futures_util::future::BoxFuture;
use schemars::{JsonSchema, Schema};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

/// Who may call a method.
#[derive(Clone, Copy)]
pub enum Access {
    /// Everyone past the hello: any role, any scope.
    Anyone,
    /// Nodes.
    Node,
    /// Operators with the scope.
    Operator(Scope),
    /// Operators with a scope that the parameters decide.
    Decided(fn(&Value) -> Scope),
}

/// Work that goes on after the request was taken; it answers through its responder.
pub type Work = BoxFuture<'static, ()>;

/// What calling a method leads to.
pub enum Answer {
    /// Answered at once.
    Now(Result<Json, Failure>),
    /// Answered by this work.
    Later(Work),
}

type Call = Box<dyn Fn(&Arc<Core>, &Arc<Caller>, Value, Responder) -> Answer + Send + Sync>;

/// One method.
pub struct Method {
    /// Its name on the wire.
    pub name: &'static str,
    /// Who may call it.
    pub access: Access,
    /// Counted by the limit on control-plane writes.
    pub write_limited: bool,
    /// Works, but is not announced.
    pub hidden: bool,
    /// Gateway version that brought it.
    pub since: &'static str,
    /// Schema of its parameters.
    pub params: fn() -> Schema,
    /// Schema of its result.
    pub result: fn() -> Schema,
    validator: OnceLock<Validator>,
    call: Call,
}

impl Method {
    /// The compiled schema of the parameters; compiled at first use, so that start-up does not pay
    /// for methods nobody calls.
    pub fn validator(&self) -> &Validator {
        self.validator.get_or_init(|| Validator::new(&(self.params)()))
    }

    /// Calls it. Parameters must have passed the validator.
    pub fn call(
        &self,
        core: &Arc<Core>,
        caller: &Arc<Caller>,
        params: Value,
        to: Responder,
    ) -> Answer {
        (self.call)(core, caller, params, to)
    }

    /// Counts it as a control-plane write.
    pub fn write_limited(&mut self) -> &mut Self {
        self.write_limited = true;
        self
    }

    /// Keeps it out of the announced list.
    pub fn hidden(&mut self) -> &mut Self {
        self.hidden = true;
        self
    }
}

/// All methods by name.
#[derive(Default)]
pub struct Table {
    methods: Vec<Method>,
    by_name: HashMap<&'static str, usize>,
}

impl Table {
    /// Adds a method that answers at once.
    pub fn now<P, R, F>(&mut self, name: &'static str, access: Access, run: F) -> &mut Method
    where
        P: DeserializeOwned + JsonSchema + 'static,
        R: Serialize + JsonSchema + 'static,
        F: Fn(&Arc<Core>, &Arc<Caller>, P) -> Result<R, MethodError> + Send + Sync + 'static,
    {
        let call: Call = Box::new(move |core, caller, params, _| {
            Answer::Now(answer(parse(params).and_then(|params| run(core, caller, params))))
        });
        self.add::<P, R>(name, access, call)
    }

    /// Adds a method that decides itself whether it can answer at once.
    pub fn either<P, R, F>(&mut self, name: &'static str, access: Access, run: F) -> &mut Method
    where
        P: DeserializeOwned + JsonSchema + 'static,
        R: JsonSchema + 'static,
        F: Fn(&Arc<Core>, &Arc<Caller>, P, Responder) -> Answer + Send + Sync + 'static,
    {
        let call: Call = Box::new(move |core, caller, params, to| match parse(params) {
            Ok(params) => run(core, caller, params, to),
            Err(error) => Answer::Now(Err(error.into())),
        });
        self.add::<P, R>(name, access, call)
    }

    /// Adds a method that has to wait for something.
    pub fn later<P, R, F, W>(&mut self, name: &'static str, access: Access, run: F) -> &mut Method
    where
        P: DeserializeOwned + JsonSchema + 'static,
        R: Serialize + JsonSchema + 'static,
        F: Fn(Arc<Core>, Arc<Caller>, P) -> W + Send + Sync + 'static,
        W: Future<Output = Result<R, MethodError>> + Send + 'static,
    {
        let call: Call = Box::new(move |core, caller, params, to| match parse::<P>(params) {
            Err(error) => Answer::Now(Err(error.into())),
            Ok(params) => {
                let work = run(Arc::clone(core), Arc::clone(caller), params);
                Answer::Later(Box::pin(async move {
                    match work.await.map(|result| json(&result)) {
                        Ok(result) => to.deliver(&result).await,
                        Err(error) => to.fail(&error.into()),
                    }
                }))
            }
        });
        self.add::<P, R>(name, access, call)
    }

    /// Adds a method that writes its own answers, such as the two of a run.
    pub fn streamed<P, R, F, W>(
        &mut self,
        name: &'static str,
        access: Access,
        run: F,
    ) -> &mut Method
    where
        P: DeserializeOwned + JsonSchema + 'static,
        R: JsonSchema + 'static,
        F: Fn(Arc<Core>, Arc<Caller>, P, Responder) -> W + Send + Sync + 'static,
        W: Future<Output = ()> + Send + 'static,
    {
        let call: Call = Box::new(move |core, caller, params, to| match parse::<P>(params) {
            Err(error) => Answer::Now(Err(error.into())),
            Ok(params) => {
                Answer::Later(Box::pin(run(Arc::clone(core), Arc::clone(caller), params, to)))
            }
        });
        self.add::<P, R>(name, access, call)
    }

    fn add<P: JsonSchema, R: JsonSchema>(
        &mut self,
        name: &'static str,
        access: Access,
        call: Call,
    ) -> &mut Method {
        let at = self.methods.len();
        let before = self.by_name.insert(name, at);
        assert!(before.is_none(), "method {name} is in the table twice");
        self.methods.push(Method {
            name,
            access,
            write_limited: false,
            hidden: false,
            since: env!("CARGO_PKG_VERSION"),
            params: schema::of::<P>,
            result: schema::of_result::<R>,
            validator: OnceLock::new(),
            call,
        });
        &mut self.methods[at]
    }

    /// A method by name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Method> {
        self.by_name.get(name).map(|at| &self.methods[*at])
    }

    /// All methods, in the order they were added.
    #[must_use]
    pub fn all(&self) -> &[Method] {
        &self.methods
    }

    /// Names to announce.
    #[must_use]
    pub fn announced(&self) -> Vec<&'static str> {
        self.methods.iter().filter(|m| !m.hidden).map(|m| m.name).collect()
    }
}

fn parse<P: DeserializeOwned>(params: Value) -> Result<P, MethodError> {
    serde_json::from_value(params)
        .map_err(|error| MethodError::Invalid(format!("invalid params: {error}")))
}
