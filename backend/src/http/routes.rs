//! The route list: every operation, from which the OpenAPI document follows.
//!
//! Start here to find the handler of a path. Each path and method is stated at the handler; new
//! handlers are added here.

use actix_web::App;
use utoipa::openapi::OpenApi;
use utoipa_actix_web::AppExt;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::http::endpoints::{
    accounts, admin_accounts, admin_products, admin_reviews, audit, databases, health, moderation,
    my_reviews, problems, products, rebalances, reviews, session,
};
use crate::http::openapi;

/// Every handler of the API; the OpenAPI document follows from this list.
pub fn api(config: &mut ServiceConfig) {
    config
        .service(products::list_products)
        .service(products::get_product)
        .service(products::get_product_rating)
        .service(products::list_ratings)
        .service(reviews::list_product_reviews)
        .service(reviews::create_review)
        .service(reviews::get_review)
        .service(reviews::edit_review)
        .service(reviews::delete_review)
        .service(reviews::report_review)
        .service(my_reviews::list_own_reviews)
        .service(reviews::get_review_location)
        .service(session::get_session)
        .service(session::sign_in)
        .service(session::prove_password)
        .service(session::sign_out)
        .service(accounts::register)
        .service(accounts::change_password)
        .service(accounts::list_sessions)
        .service(accounts::end_session)
        .service(accounts::list_tokens)
        .service(accounts::create_token)
        .service(accounts::revoke_token)
        .service(admin_accounts::list_accounts)
        .service(admin_accounts::edit_account)
        .service(audit::list_audit)
        .service(admin_accounts::get_account)
        .service(admin_accounts::list_account_sessions)
        .service(admin_accounts::end_account_session)
        .service(admin_accounts::list_account_tokens)
        .service(admin_accounts::revoke_account_token)
        .service(admin_accounts::revoke_all_credentials)
        .service(moderation::list_queue)
        .service(moderation::decide)
        .service(moderation::undo_decisions)
        .service(admin_reviews::get_overview)
        .service(admin_reviews::list_all_reviews)
        .service(admin_reviews::get_review_detail)
        .service(admin_products::list_all_products)
        .service(admin_products::create_product)
        .service(admin_products::get_product_detail)
        .service(admin_products::edit_product)
        .service(databases::list_databases)
        .service(databases::verify_database)
        .service(rebalances::list_rebalances)
        .service(rebalances::plan_rebalance)
        .service(rebalances::change_rebalance)
        .service(openapi::get_openapi)
        .service(problems::get_problem)
        .service(health::get_health)
        .service(health::get_readiness);
}

/// The OpenAPI document of every route.
pub fn document() -> OpenApi {
    let app = App::new().into_utoipa_app().openapi(openapi::preamble()).configure(api);
    openapi::complete(app.split_for_parts().1)
}
