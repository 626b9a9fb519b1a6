//! The requests of each workload, as lines of the file that `bench/wrk.lua` reads.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use fastrand::Rng;
use ostrakon_shared::{Credentials, ProductId, ReviewId, ReviewPage};

use crate::Result;
use crate::dataset::{ACCOUNT, Popularity};
use crate::server::Server;
use crate::text;

/// Products in one request for several ratings.
const RATINGS: usize = 20;
/// The number of a page far down a long list.
const FAR_PAGE: usize = 100;
/// The number of a page further down an average list that is still full.
const AVERAGE_FAR_PAGE: usize = 5;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traffic {
    /// A page that the server keeps in memory.
    Static,
    /// The first page of a product's reviews, products by popularity.
    FirstPage,
    /// The same, each product with the same probability.
    FirstPageUniform,
    /// The page after the first, by its cursor, products by popularity.
    SecondPage,
    /// A product's rating, by popularity.
    Rating,
    /// The ratings of 20 products, by popularity.
    Ratings,
    /// A review, each with the same probability.
    Review,
    /// A new review, products by popularity; every other one with a key of its own.
    Create,
    SignIn,
    /// 55 % first pages, 25 % ratings, 10 % reviews, 6 % second pages, 4 % new reviews.
    Mix,
    /// The same without the new reviews.
    MixReads,
    /// The first page of the product with the most reviews …
    HottestFirst,
    /// … a page far down …
    HottestFar,
    HottestRating,
    /// The same of an average product.
    AverageFirst,
    /// A page down its list.
    AverageFar,
    AverageRating,
}

impl Traffic {
    /// Whether its requests change something. Such a request is never sent twice, because a
    /// repetition costs less.
    pub fn writes(self) -> bool {
        matches!(self, Traffic::Create | Traffic::Mix)
    }

    /// How many requests are prepared per second of load: for writes more than the server can answer,
    /// otherwise enough not to repeat a pattern.
    fn prepared_per_s(self) -> usize {
        match self {
            Traffic::Create => 40_000,
            Traffic::Mix => 150_000,
            _ => 10_000,
        }
    }
}

#[derive(Debug, Default)]
pub struct Request {
    pub path: String,
    /// Its Idempotency-Key, or nothing.
    pub key: String,
    /// JSON to post; nothing: it is a GET.
    pub body: String,
}

impl Request {
    fn get(path: String) -> Request {
        Request { path, ..Request::default() }
    }
}

/// Makes requests that fit the data of one server.
pub struct Requests {
    popularity: Popularity,
    reviews: Vec<ReviewId>,
    /// Paths of second pages, of the products that have one.
    second_pages: Vec<Option<String>>,
    far: Vec<(Traffic, String)>,
    rng: Rng,
    keys: u64,
}

impl Requests {
    /// For `products` products; `reviews` are ids of some of their reviews.
    pub fn new(products: usize, reviews: Vec<ReviewId>) -> Requests {
        Requests {
            popularity: Popularity::new(products),
            reviews,
            second_pages: Vec::new(),
            far: Vec::new(),
            rng: Rng::with_seed(4),
            keys: 0,
        }
    }

    /// Asks the server for the cursors that this traffic needs.
    pub fn prepare(&mut self, traffic: Traffic, server: &Server) -> Result<()> {
        match traffic {
            Traffic::SecondPage | Traffic::Mix | Traffic::MixReads
                if self.second_pages.is_empty() =>
            {
                let products = self.popularity.products().len();
                let ids = (1..).filter_map(ProductId::new).take(products);
                let second =
                    |id| page(server, id, 2).map(|path| path.contains("cursor").then_some(path));
                self.second_pages = ids.map(second).collect::<Result<Vec<_>>>()?;
            }
            Traffic::HottestFar => {
                let path = page(server, self.popularity.hottest(), FAR_PAGE)?;
                self.far.push((traffic, path));
            }
            Traffic::AverageFar => {
                let path = page(server, self.popularity.average(), AVERAGE_FAR_PAGE)?;
                self.far.push((traffic, path));
            }
            _ => {}
        }
        Ok(())
    }

    /// Writes the requests for some seconds of this traffic into the file.
    pub fn write(&mut self, traffic: Traffic, seconds: u64, file: &Path) -> Result<()> {
        let mut lines = String::new();
        for _ in 0..traffic.prepared_per_s() * usize::try_from(seconds)? {
            let Request { path, key, body } = self.request(traffic)?;
            let method = if body.is_empty() { "GET" } else { "POST" };
            writeln!(lines, "{method}\t{path}\t{key}\t{body}")?;
        }
        Ok(fs::write(file, lines)?)
    }

    pub fn request(&mut self, traffic: Traffic) -> Result<Request> {
        let (popularity, rng) = (&self.popularity, &mut self.rng);
        Ok(match traffic {
            Traffic::Static => Request::get("/sign-in".to_owned()),
            Traffic::FirstPage => Request::get(first_page(popularity.draw(rng))),
            Traffic::FirstPageUniform => Request::get(first_page(popularity.draw_any(rng))),
            Traffic::SecondPage => Request::get(self.second_page()?),
            Traffic::Rating => Request::get(rating(popularity.draw(rng))),
            Traffic::Ratings => {
                let ids: Vec<_> = (0..RATINGS).map(|_| popularity.draw(rng).to_string()).collect();
                Request::get(format!("/api/ratings?product_ids={}", ids.join(",")))
            }
            Traffic::Review => {
                let id = rng.choice(&self.reviews).ok_or("no reviews to ask for")?;
                Request::get(format!("/api/reviews/{id}"))
            }
            Traffic::Create => self.create()?,
            Traffic::SignIn => {
                let (name, password) = (ACCOUNT.0.to_owned(), ACCOUNT.1.to_owned());
                let body = serde_json::to_string(&Credentials { name, password })?;
                Request { path: "/api/session".to_owned(), body, ..Request::default() }
            }
            Traffic::Mix => self.mixed(100)?,
            Traffic::MixReads => self.mixed(96)?,
            Traffic::HottestFirst => Request::get(first_page(popularity.hottest())),
            Traffic::AverageFirst => Request::get(first_page(popularity.average())),
            Traffic::HottestRating => Request::get(rating(popularity.hottest())),
            Traffic::AverageRating => Request::get(rating(popularity.average())),
            Traffic::HottestFar | Traffic::AverageFar => {
                let far = self.far.iter().find(|(of, _)| *of == traffic);
                Request::get(far.ok_or("no cursor was fetched")?.1.clone())
            }
        })
    }

    fn mixed(&mut self, parts: u32) -> Result<Request> {
        let traffic = match self.rng.u32(..parts) {
            0..55 => Traffic::FirstPage,
            55..80 => Traffic::Rating,
            80..90 => Traffic::Review,
            90..96 => Traffic::SecondPage,
            _ => Traffic::Create,
        };
        self.request(traffic)
    }

    fn second_page(&mut self) -> Result<String> {
        if self.second_pages.iter().all(Option::is_none) {
            return Err("no product has a second page".into());
        }
        loop {
            let product = usize::try_from(self.popularity.draw(&mut self.rng).get())?;
            if let Some(path) = &self.second_pages[product - 1] {
                return Ok(path.clone());
            }
        }
    }

    fn create(&mut self) -> Result<Request> {
        self.keys += 1;
        let key = if self.keys.is_multiple_of(2) {
            format!("bench-{}", self.keys)
        } else {
            String::new()
        };
        let path = first_page(self.popularity.draw(&mut self.rng));
        let body = serde_json::to_string(&text::review(&mut self.rng))?;
        Ok(Request { path, key, body })
    }
}

fn first_page(product: ProductId) -> String {
    format!("/api/products/{product}/reviews")
}

fn rating(product: ProductId) -> String {
    format!("/api/products/{product}/rating")
}

/// The path of the page with this number in a product's reviews, found by following the cursors; the last
/// page if the product has fewer.
fn page(server: &Server, product: ProductId, number: usize) -> Result<String> {
    let mut path = first_page(product);
    for _ in 1..number {
        let page: ReviewPage = serde_json::from_slice(&server.get(&path)?)?;
        let Some(cursor) = page.next_cursor else { break };
        path = format!("{}?cursor={cursor}", first_page(product));
    }
    Ok(path)
}
