//! Explanations of problems.

use serde_json::Value;

use crate::support::app::TestApp;

on_every_engine!(the_type_of_every_problem_leads_to_its_explanation, async || {
    let app = TestApp::start(1).await;
    let problem: Value = app.get("/api/reviews/1").await.json();
    let explained = app.get(problem["type"].as_str().unwrap()).await;
    assert_eq!(explained.status, 200);
    assert!(explained.text.starts_with("Invalid id (400 Bad Request)\n"), "{}", explained.text);
    for code in ostrakon_shared::ProblemCode::ALL {
        assert_eq!(app.get(&format!("/problems/{code}")).await.status, 200, "{code}");
    }
});
