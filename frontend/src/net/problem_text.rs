//! The texts of problems, for people. The server's are for programs too, and speak of API tokens.

use ostrakon_shared::{Problem, ProblemCode};

/// What the app says about a problem.
pub fn problem_text(problem: &Problem) -> &str {
    match problem.code {
        ProblemCode::SignInRequired => "Please sign in first.",
        ProblemCode::SessionInvalid => "Your session has ended. Please sign in again.",
        ProblemCode::NotAllowed => {
            "Your account does not have the rights to do this. An admin can change its role."
        }
        ProblemCode::ProofRequired => {
            "Nothing was changed, because you did not confirm your password."
        }
        _ => &problem.detail,
    }
}
