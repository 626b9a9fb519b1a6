//! The parts that pages are made of.

mod histogram;
mod load_more;
mod notice;
mod picture;
mod pottery;
mod product_card;
mod rating_panel;
mod review_card;
mod review_form;
mod review_list;
mod skeleton;
mod star_input;
mod stars;
mod text_field;
mod time;

pub use load_more::LoadMore;
pub use notice::{LoadError, PartialNotice};
pub use picture::{BrokenPot, Picture};
pub use product_card::ProductCard;
pub use rating_panel::RatingPanel;
pub use review_card::{ReviewBody, ReviewByline, Verdict, card_id};
pub use review_form::ReviewForm;
pub use review_list::ReviewList;
pub use skeleton::{CardSkeletons, ProductSkeleton, ReviewSkeleton};
pub use time::Clock;
